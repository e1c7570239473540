import FrameDecoding
import Workers

/// Decoders, workers and the writer, wired together.
///
///     decoders --FrameQueue--> workers --messages--> writer --finished--> publishers
///         \------------------begun, ended---------/
///
/// The memory of frames is bounded by the queue: a decoder takes room in it before it decodes an image or goes on to the
/// next frame of a video (`FrameRoom`), and what workers and writer hold counts as long as they hold it. What a video's
/// decoder keeps of its own, reference frames and packets, comes on top for each (`MemoryPlan.decoderAllowance`), and so
/// do the records of inputs that wait for their turn on standard output, of which there are no more than
/// `FrameBounds.unwrittenRecords`. Where several decoders
/// work on one video, what they have decoded ahead counts beside the queue (`DecoderShare.bytesAhead`).
struct RunStages: Sendable {
  var workers: Int
  /// At most; see `FrameQueue.admit`.
  var decoders: Int
  var batchSize: Int
  var bounds: FrameBounds
  /// What each input is decoded with.
  var share = DecoderShare()
  var maxFailures: Int?
  /// What was asked for, to say where it gave nothing.
  var sampling = FrameSampling()

  /// Messages that wait for the writer; the records among them are bounded by the queue already.
  private static let messageCapacity = 64

  /// Works through the jobs, or until the run is ended.
  func run(
    _ jobs: JobList, into destination: any RecordDestination, with equipment: RunEquipment,
    control: RunControl, report: RunReport
  ) {
    let frames = FrameQueue(
      bounds: bounds, decoders: decoders, workers: workers, isOrdered: destination.isOrdered)
    let messages = BoundedQueue<WriterMessage>(
      capacity: Self.messageCapacity, producers: decoders + workers)
    control.onEnd { frames.stop() }

    let decoding = DecodingStage(
      jobs: jobs, destination: destination, frames: frames, writer: messages,
      equipment: equipment, share: share, maxFailures: maxFailures, sampling: sampling,
      control: control,
      report: report)
    let detection = DetectionStage(
      frames: frames, writer: messages, equipment: equipment, batchSize: batchSize, report: report)

    let finished = BoundedQueue<FinishedInput>(capacity: Self.messageCapacity)
    let publishing = PublishingStage(inputs: finished, control: control, report: report)
    let threads = WorkerGroup { error in
      control.end(stageFailure: error)
      // A thread that never ran will not say that it has finished.
      if error is ThreadStartError {
        messages.cancel()
        finished.cancel()
      }
    }
    for number in 0..<decoders { threads.start("decoder \(number)") { decoding.run(number) } }
    for number in 0..<workers { threads.start("worker \(number)") { try detection.run() } }
    threads.start("writer") {
      var writing = WritingStage(
        messages, frames: frames, publisher: finished, isOrdered: destination.isOrdered,
        control: control, report: report)
      writing.run()
    }
    for number in 0..<PublishingStage.threads {
      threads.start("publisher \(number)") { publishing.run() }
    }
    do { try threads.join() } catch {
      // The run was ended by it already.
    }
  }
}
