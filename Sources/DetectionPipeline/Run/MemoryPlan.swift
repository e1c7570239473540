/// How many workers run, and how many bytes of frames are kept, within the memory there is.
///
/// The bytes are accounted for, not enforced: plans and workers as the detector states them, frames by the queue,
/// decoders by an allowance.
struct MemoryPlan: Equatable, Sendable {
  /// What a decoder keeps beside the frames that the queue has room for: reference frames, packets. A second
  /// decoder of 1080p H.264 added 48 MiB.
  static let decoderAllowance = 96 << 20
  /// What a decoder in a process of its own takes beside that: 14 MiB of its own pages (as the kernel counts them, in a
  /// directory of pictures), and 64 of the memory that it shares, which it keeps for the next frame.
  static let processAllowance = 80 << 20
  /// The share of what is left beside the workers that frames may take, at least `leastFrameBytes`.
  static let frameShare = 0.5
  static let leastFrameBytes = 64 << 20
  static let mostFrameBytes = 1 << 30

  let workers: Int
  let frameBytes: Int
  /// What each input is decoded with.
  let share: DecoderShare
  /// Why there are fewer workers than wanted, or more memory than allowed; nil where all fits.
  let remark: String?

  /// - Parameters:
  ///   - limit: bytes.
  ///   - wanted: workers, at least 1; never fewer than 1 are given.
  ///   - decoders: inputs decoded at once, at least 1.
  ///   - spare: decoders that could help those; they are shared out as far as there is memory when workers have theirs.
  ///   - inProcesses: whether each is decoded in a process of its own.
  ///   - perWorker: bytes of each worker for the largest input of the network.
  ///   - shared: bytes of packed weights.
  init(
    limit: Int, wanted: Int, decoders: Int, spare: Int = 0, inProcesses: Bool, perWorker: Int,
    shared: Int
  ) {
    let perDecoder = Self.decoderAllowance + (inProcesses ? Self.processAllowance : 0)
    let forWorkers = limit - shared - decoders * perDecoder - Self.leastFrameBytes
    let fitting = max(1, min(wanted, forWorkers / max(1, perWorker)))
    workers = fitting
    let left = forWorkers - fitting * perWorker
    // Half of the rest, so that frames have room.
    let helpers = min(spare, max(0, left) / 2 / Self.decoderAllowance) / decoders
    let rest = left - helpers * decoders * Self.decoderAllowance
    let bytes = min(
      // Bounded: half of an Int.
      Self.mostFrameBytes, Self.leastFrameBytes + max(0, Int(Double(rest) * Self.frameShare)))
    share = DecoderShare(
      decoders: 1 + helpers, bytesAhead: helpers == 0 ? 0 : bytes / 2 / decoders)
    frameBytes = helpers == 0 ? bytes : bytes / 2
    if left < 0 {
      remark =
        "one worker needs \(Self.mebibytes(limit - left)) of memory, more than the "
        + "\(Self.mebibytes(limit)) there are: running one all the same"
    } else if fitting < wanted {
      remark =
        "\(fitting) of \(wanted) workers: each needs \(Self.mebibytes(perWorker)), and "
        + "\(Self.mebibytes(limit)) of memory hold no more"
    } else {
      remark = nil
    }
  }

  private static func mebibytes(_ bytes: Int) -> String { "\(bytes >> 20) MiB" }
}
