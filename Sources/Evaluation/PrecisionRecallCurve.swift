/// Precision over recall of one category, for every overlap threshold (pycocotools, `accumulate`).
public struct PrecisionRecallCurve: Equatable, Sendable {
  /// Objects to be found.
  public let objectCount: Int
  /// Precision at 101 recalls (0.00, 0.01 ... 1.00), one row per overlap threshold (0.50, 0.55 ... 0.95);
  /// never rising along a row, and 0 where that recall is not reached.
  public let precision: [[Double]]
  /// The recall that is reached, per overlap threshold.
  public let recall: [Double]

  /// Counts along verdicts by falling score.
  init(objectCount: Int, verdicts: [Verdict]) {
    precondition(objectCount > 0, "no curve without objects")
    self.objectCount = objectCount
    var rows: [[Double]] = []
    var reached: [Double] = []
    for bit in COCOProtocol.overlapThresholds.indices {
      let mask: UInt16 = 1 << UInt16(bit)
      var right = 0.0
      var wrong = 0.0
      var recalls: [Double] = []
      var precisions: [Double] = []
      recalls.reserveCapacity(verdicts.count)
      precisions.reserveCapacity(verdicts.count)
      for verdict in verdicts {
        if verdict.ignored & mask == 0 {
          if verdict.matched & mask != 0 { right += 1 } else { wrong += 1 }
        }
        recalls.append(right / Double(objectCount))
        precisions.append(right / (wrong + right + Double.ulpOfOne))
      }
      rows.append(Self.sample(precisions, over: recalls))
      reached.append(recalls.last ?? 0)
    }
    precision = rows
    recall = reached
  }

  /// The greatest precision at each of the 101 recalls or any recall above it.
  private static func sample(_ precisions: [Double], over recalls: [Double]) -> [Double] {
    var envelope = precisions
    for index in stride(from: envelope.count - 1, to: 0, by: -1)
    where envelope[index] > envelope[index - 1] {
      envelope[index - 1] = envelope[index]
    }
    var place = 0
    return COCOProtocol.recallThresholds.map { threshold in
      while place < recalls.count, recalls[place] < threshold { place += 1 }
      return place < envelope.count ? envelope[place] : 0
    }
  }
}
