/** Exact fractions, rounded where Python rounds: once, to the nearest, ties to even. */

/** `numerator / denominator` (positive) rounded to the nearest integer, ties to even. */
export function roundedQuotient(numerator: bigint, denominator: bigint): bigint {
  if (numerator < 0n) return -roundedQuotient(-numerator, denominator);
  const quotient = numerator / denominator;
  const twice = 2n * (numerator % denominator);
  if (twice < denominator || (twice === denominator && quotient % 2n === 0n)) return quotient;
  return quotient + 1n;
}

/** Bits of a non-negative integer. */
export function bitLength(value: bigint): number {
  const hex = value.toString(16);
  return value === 0n ? 0 : 4 * (hex.length - 1) + (32 - Math.clz32(parseInt(hex.charAt(0), 16)));
}

/** A finite float as an exact fraction whose denominator is a power of two. */
export function fractionOf(value: number): readonly [numerator: bigint, denominator: bigint] {
  if (Number.isInteger(value)) return [BigInt(value), 1n];
  // Whole after at most 1,074 doublings, each of them exact.
  let doublings = 0;
  let whole = value;
  while (!Number.isInteger(whole)) {
    whole *= 2;
    doublings++;
  }
  return [BigInt(whole), 1n << BigInt(doublings)];
}

/** The float nearest to a fraction; an infinity where it is too large. */
export function nearestFloat(numerator: bigint, denominator: bigint): number {
  if (numerator < 0n) return -nearestFloat(-numerator, denominator);
  if (numerator === 0n) return 0;
  // A quotient of 53 bits, or of fewer where the float is subnormal, rounded once.
  let shift = 53 - (bitLength(numerator) - bitLength(denominator));
  const scaled = (by: number): bigint =>
    by >= 0
      ? roundedQuotient(numerator << BigInt(by), denominator)
      : roundedQuotient(numerator, denominator << BigInt(-by));
  if (scaled(shift) >= 1n << 53n) shift--;
  shift = Math.min(shift, 1074);
  const mantissa = Number(scaled(shift));
  if (shift < -1100) return Infinity;
  // In two steps, since 2^-1074 or 2^1000 times a mantissa may leave the range only at the end.
  const half = Math.trunc(shift / 2);
  return mantissa / 2 ** half / 2 ** (shift - half);
}
