/// The rows and columns of a picture that somebody reads: where a picture is made much smaller, few of them.
public struct PictureLattice: Hashable, Sendable {
  /// Row numbers, rising.
  public let rows: [Int]
  /// Column numbers, rising.
  public let columns: [Int]

  /// Names them; both rise, and neither is empty.
  public init(rows: [Int], columns: [Int]) {
    precondition(!rows.isEmpty && !columns.isEmpty, "a lattice without pixels")
    self.rows = rows
    self.columns = columns
  }

  /// Pixels at which a row and a column meet.
  public var count: Int { rows.count * columns.count }

  /// Whether all lie in a picture of this size, and rise.
  public func fits(width: Int, height: Int) -> Bool {
    Self.rises(rows, below: height) && Self.rises(columns, below: width)
  }

  private static func rises(_ places: [Int], below limit: Int) -> Bool {
    guard let first = places.first, let last = places.last, first >= 0, last < limit else {
      return false
    }
    return zip(places, places.dropFirst()).allSatisfy { $0 < $1 }
  }
}
