// What the page needs from Prometheus' text format.

const kBucket = 'freshet_rpc_duration_seconds_bucket{';

/**
 * The histogram of a unary method's latencies: buckets [{le, count}], counts not yet added up, by
 * rising `le` in seconds. Empty where the method was not called.
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

/** What came between two such histograms; all of the later one where the server began anew. */
export function bucketsSince(later, earlier) {
  const change = later.map(({le, count}, i) => ({le, count: count - (earlier[i]?.count ?? 0)}));
  return change.some(({count}) => count < 0) ? later : change;
}

/** The latency that a share of the calls had at most, in seconds, within its bucket by proportion. */
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
