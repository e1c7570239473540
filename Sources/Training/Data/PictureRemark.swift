import SystemPackage

/// What a person should know about one picture, and what ends nothing.
public enum PictureRemark: Hashable, Sendable, CustomStringConvertible {
  /// It cannot be decoded: it is not learnt from, and its objects count as missed.
  case undecodable(file: FilePath, reason: String)
  /// Only a part of it could be decoded, which is used.
  case damaged(file: FilePath)
  /// Boxes that reach outside of it, or lie there: known once it is decoded, where annotations do not say its size.
  case outside(file: FilePath, cut: Int, skipped: Int)
  /// It is not as large as its annotations say.
  case otherSize(file: FilePath, annotated: String, actual: String)
  /// What the network gives for it is not finite: its objects count as missed.
  case notFinite(file: FilePath, reason: String)

  /// One line: what, on what, what becomes of it.
  public var description: String {
    switch self {
    case .undecodable(let file, let reason):
      "\(file): cannot be decoded: \(reason): left out"
    case .damaged(let file):
      "\(file): is damaged or cut short: what could be decoded of it is used"
    case .outside(let file, let cut, let skipped):
      "\(file): "
        + [
          cut > 0 ? "\(cut) boxes reach outside the picture: cut" : nil,
          skipped > 0 ? "\(skipped) boxes lie outside the picture: skipped" : nil,
        ].compactMap { $0 }.joined(separator: "; ")
    case .otherSize(let file, let annotated, let actual):
      "\(file): is \(actual) pixels, but its annotations are for \(annotated): measured all the same"
    case .notFinite(let file, let reason):
      "\(file): \(reason): left out"
    }
  }
}
