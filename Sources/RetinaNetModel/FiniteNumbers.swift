/// Whether all numbers are finite.
///
/// - Parameter numbers: any count of them.
/// - Returns: false where one is NaN or infinite: those, and no others, have all bits of the exponent set. A greatest
///   number is found many at a time, where a search that may end early would look at one after another.
package func areFinite(_ numbers: UnsafeBufferPointer<Float>) -> Bool {
  let exponent: UInt32 = 0x7f80_0000
  return numbers.reduce(0) { max($0, $1.bitPattern & exponent) } < exponent
}
