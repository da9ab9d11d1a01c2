// Reads what the page shows of the metrics from Prometheus' text format.

const kBucket = 'freshet_rpc_duration_seconds_bucket{';

/**
 * The histogram of a unary method's latencies: buckets [{le, count}] with counts per bucket (not
 * cumulative), sorted by `le` in seconds. Empty if the method was not called.
 */
export function latencyBuckets(text, method) {
  const buckets = [];
  let before = 0;
  for (const line of text.split('\n')) {
    if (!line.startsWith(kBucket) || !line.includes(`method="${method}"`)) continue;
    const le = /le="([^"]+)"/.exec(line)[1];
    const total = Number(line.slice(line.lastIndexOf(' ') + 1));
    buckets.push({le: le === '+Inf' ? Infinity : Number(le), count: total - before});
    before = total;
  }
  return buckets;
}

/** The difference between two such histograms; the later one if the server has restarted. */
export function bucketsSince(later, earlier) {
  const change = later.map(({le, count}, i) => ({le, count: count - (earlier[i]?.count ?? 0)}));
  return change.some(({count}) => count < 0) ? later : change;
}

/** The quantile `share` of the latencies in seconds, interpolated linearly within its bucket. */
export function quantile(buckets, share) {
  const total = buckets.reduce((sum, {count}) => sum + count, 0);
  if (total === 0) return null;
  let below = 0;
  let from = 0;
  for (const {le, count} of buckets) {
    if (below + count >= share * total && count > 0) {
      return le === Infinity ? from : from + (le - from) * (share * total - below) / count;
    }
    below += count;
    from = le;
  }
  return from;
}

/** The sum of a metric over all of its labels; undefined if there is none. */
export function metricSum(text, name) {
  const values = text.split('\n').filter((line) => line.startsWith(name) && ' {'.includes(line[name.length])).map(
      (line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
  return values.length > 0 ? values.reduce((sum, value) => sum + value, 0) : undefined;
}

/** The server's version; undefined if the metrics do not say it. */
export const serverVersion = (text) => /^freshet_build_info\{[^}]*version="([^"]*)"/m.exec(text)?.[1];
