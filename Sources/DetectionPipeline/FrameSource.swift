import DetectionRecords
import FrameDecoding
import RetinaNetModel

/// An open input: `MediaReader`, or what a test puts in its place.
protocol FrameSource {
  var info: MediaInfo { get }
  var report: DecodingReport { get }
  func nextFrame() throws(MediaError) -> DecodedFrame?
}

extension MediaReader: FrameSource {}

/// One thread's use of a detector: `DetectorWorker`, or what a test puts in its place.
protocol FrameDetector {
  /// - Throws: `DetectionError` where this picture has no result; anything else ends the run.
  func detect(_ pixels: [UInt8], width: Int, height: Int) throws -> [Detection]
}

extension DetectorWorker: FrameDetector {}

/// What the stages are run with.
struct RunEquipment: Sendable {
  /// Opens an input, leaving out the first sampled frames.
  var open: @Sendable (InputJob, _ skipping: Int) throws(MediaError) -> any FrameSource
  /// Makes a worker's detector, on the worker's thread.
  var makeDetector: @Sendable () throws -> any FrameDetector
}
