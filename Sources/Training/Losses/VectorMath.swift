// Exponential and logarithm of eight numbers at a time, for losses over millions of logits: the C library takes
// one at a time. Series are cut where the rest is below float32's rounding.

/// exp(x) for x <= 0, within 2 units in the last place; 0 below -87 (where it is less than 1.7e-38), NaN for NaN.
@inline(__always)
func exponential(_ x: SIMD8<Float>) -> SIMD8<Float> {
  // x = n ln 2 + r with |r| <= ln 2 / 2. Adding 1.5 * 2^23 rounds to a whole number, and leaves that number in
  // the low bits of the sum.
  let rounder: Float = 12_582_912
  let isZero = x .< -87
  let bounded = x.replacing(with: -87, where: isZero)
  let shifted = bounded * 1.442_695_04 + rounder
  let n = shifted - rounder
  // ln 2 in two parts, the first of which has few enough bits for an exact product.
  let r = (bounded - n * 0.693_359_375) + n * 2.121_944_4e-4
  // Taylor's series: the first term left out is r^8 / 8! < 6e-9.
  var sum = r * (1 / 5040) + (1 / 720)
  sum = sum * r + (1 / 120)
  sum = sum * r + (1 / 24)
  sum = sum * r + (1 / 6)
  sum = sum * r + 0.5
  let fraction = (sum * r) * r + r + 1
  let exponent = (bits(shifted) &- bits(SIMD8(repeating: rounder))) &<< 23
  // 2^n times the fraction, by adding n to its exponent: n >= -126, so the result is a normal number.
  let result = unsafeBitCast(bits(fraction) &+ exponent, to: SIMD8<Float>.self)
  return result.replacing(with: 0, where: isZero).replacing(with: x, where: x .!= x)
}

/// log(1 + x) for x in 0...1, within 3 units in the last place, the smallest x included.
@inline(__always)
func logarithmOfOnePlus(_ x: SIMD8<Float>) -> SIMD8<Float> {
  // 2 artanh(s) with s = x / (2 + x) <= 1/3; the first term left out is s^16 / 17 < 2e-9 of the first.
  let s = x / (2 + x)
  let square = s * s
  var sum = square * (1 / 15) + (1 / 13)
  sum = sum * square + (1 / 11)
  sum = sum * square + (1 / 9)
  sum = sum * square + (1 / 7)
  sum = sum * square + 0.2
  sum = sum * square + (1 / 3)
  return 2 * (s + s * (square * sum))
}

@inline(__always)
private func bits(_ x: SIMD8<Float>) -> SIMD8<UInt32> {
  unsafeBitCast(x, to: SIMD8<UInt32>.self)
}
