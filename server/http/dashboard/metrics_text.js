// Reads the latencies that the page shows from Prometheus' text format.

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
