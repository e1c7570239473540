import DetectionRecords
import Drawing
import Files
import FrameDecoding
import FrameEncoding
import Media
import SystemPackage

/// Videos, whole and in clips.
extension DrawRun {
  /// Draws on every frame of a video.
  func drawVideo(_ input: DrawnInput) throws {
    let padding: Double? =
      if case .detections(let padding) = configuration.content { padding } else { nil }
    let whole = Self.videoName(input)
    if padding == nil, try !files.isWanted(whole, madeFrom: input.path) {
      exists(whole, from: input.source)
      return
    }
    let marks = marks(input)
    let video = try DrawnVideo(self, input, marks)
    do {
      while var frame = try input.reader.nextSourceFrame() {
        if cancellation.isCancelled { throw DrawError.stopped }
        let place = FrameMarks.Place(index: frame.index, time: frame.time)
        let found = try marks.marks(at: place)
        let isWanted = try padding.map {
          try marks.isNearDetection(place, found, seconds: $0)
        }
        // Records that end with who wrote them, by the same signal, say nothing of what comes.
        if cancellation.isCancelled { throw DrawError.stopped }
        let name =
          switch isWanted {
          case nil: whole
          case true?: Self.clipName(input, marks.seconds(of: place))
          case false?: nil as FilePath?
          }
        try video.take(&frame, found, into: name)
        if frame.index % 16 == 0 {
          report(
            .progress(
              input.source, seconds: marks.seconds(of: place), of: input.reader.info.duration))
        }
      }
    } catch let error as MediaError {
      // What was decoded is drawn: that is as much as there is, and the records say the same. Where it is the decoder that
      // came to its end there may be more.
      guard video.frames > 0, !cancellation.isCancelled, !error.isDeathOfDecoder else {
        throw error
      }
      report(.remark(input.source, "stops early: \(error)"))
    }
    if cancellation.isCancelled { throw DrawError.stopped }
    try video.finish()
    summary.detections += marks.detections
  }

  /// The source's own name where that says MP4, else with `.mp4` behind it.
  private static func videoName(_ input: DrawnInput) -> FilePath {
    let isNamed = input.source.path.extension?.lowercased() == "mp4"
    return isNamed ? input.source.path : FilePath(bytes: input.source.bytes + Array(".mp4".utf8))
  }

  private static func clipName(_ input: DrawnInput, _ seconds: Double) -> FilePath {
    FilePath(bytes: input.source.bytes + Array(".\(ClockText.name(seconds)).mp4".utf8))
  }
}

/// The files that are made of one video: one, or clips one after another.
private final class DrawnVideo {
  /// Written so far.
  private(set) var frames = 0

  private let run: DrawRun
  private let input: DrawnInput
  private let marks: FrameMarks
  private var clock: OutputClock
  private var sound: ClipSound?
  private var file: OpenVideo?
  /// A file is open, or one that is there already stays.
  private var isInFile = false
  private var said: Set<Remark> = []

  /// A file that is being written.
  private struct OpenVideo {
    let name: FilePath
    let output: PendingFile
    let writer: VideoWriter
    /// Where on the clock its first frame is at 0.
    let start: Int64
    let size: (width: Int, height: Int)
  }

  init(_ run: DrawRun, _ input: DrawnInput, _ marks: FrameMarks) throws {
    self.run = run
    self.input = input
    self.marks = marks
    guard let timeBase = input.reader.info.timeBase else {
      preconditionFailure("a video without a clock")
    }
    clock = OutputClock(timeBase: timeBase, framesPerSecond: input.reader.info.averageFrameRate)
    sound = try openSound()
  }

  /// The sound, if there is any; what an MP4 cannot hold, nor AAC, is left out with a word.
  private func openSound() throws -> ClipSound? {
    let source = try run.decoders.openSound(input.path, cancellation: run.cancellation)
    guard let source else { return nil }
    do {
      guard let sound = try PlayableSound(source) else { return nil }
      if sound.isEncodedAnew {
        run.report(
          .remark(
            input.source, "its sound (\(source.format.codec)) is no sound of an MP4: it becomes AAC"
          ))
      }
      return ClipSound(sound)
    } catch let error as MediaError where error.isDeathOfDecoder {
      throw error
    } catch {
      run.report(.remark(input.source, "its sound is left out: \(error)"))
      return nil
    }
  }

  /// Takes the next frame: draws on it and writes it into the file of this name, which is begun where none is open; with nil
  /// the one that is open ends.
  func take(
    _ frame: inout SourceFrame, _ found: FrameMarks.Marks, into name: FilePath?
  ) throws {
    let place = clock.place(frame.timestamp, duration: frame.duration)
    noteJump(frame)
    guard let name else { return try finish() }
    if !isInFile {
      isInFile = true
      file = try begin(name, frame, at: place)
    }
    guard let file else { return }
    let (width, height) = (frame.picture.width, frame.picture.height)
    try run.check(marks, width: width, height: height, frame: frame.index)
    if found == .unknown && run.configuration.style.cover != nil {
      sayOnce(
        .unknown, "frame \(frame.index) and maybe others were not looked at: they are covered whole"
      )
    }
    if file.size != (width, height) {
      sayOnce(
        .size,
        "its pictures change from \(file.size.width)x\(file.size.height) to \(width)x\(height) at frame "
          + "\(frame.index): an MP4 has one size, and they are scaled to the first")
    }
    // In place: a copy would cost as much as drawing.
    Canvas.draw(on: &frame.picture) { run.draw(found, on: $0) }
    try file.writer.append(frame.picture, at: place - file.start, for: frame.duration)
    sound?.noteFrame(endingAt: place + (frame.duration ?? 1), input.reader.info.timeBase)
    frames += 1
  }

  /// Ends the file that is open.
  func finish() throws {
    isInFile = false
    guard let file else { return }
    self.file = nil
    try file.writer.finish()
    if let failure = sound?.failure { throw failure }
    try file.output.commit()
    run.made(file.name, from: input.source)
  }

  /// Opens a file at its first frame; nil where one of this name stays.
  private func begin(
    _ name: FilePath, _ frame: SourceFrame, at place: Int64
  ) throws -> OpenVideo? {
    guard try run.files.isWanted(name, madeFrom: input.path) else {
      run.exists(name, from: input.source)
      return nil
    }
    let info = input.reader.info
    guard let timeBase = info.timeBase else { preconditionFailure("a video without a clock") }
    var isClip = false
    if case .detections = run.configuration.content { isClip = true }
    // A clip begins at 0, a whole video where the source begins, counted from its container's start.
    let start = isClip ? place : 0
    sound?.begin(at: Double(start) * timeBase.value, endsWithFrames: isClip)
    let output = try run.files.begin(name)
    let writer = try VideoWriter(
      path: output.temporaryPath,
      format: VideoFormat(
        width: frame.picture.width, height: frame.picture.height, colour: frame.picture.colour,
        pixelShape: frame.pixelShape, timeBase: timeBase, averageFrameRate: info.averageFrameRate),
      quality: run.configuration.quality,
      sound: sound.map { sound in (sound.format, { sound.next() }) })
    return OpenVideo(
      name: name, output: output, writer: writer, start: start,
      size: (frame.picture.width, frame.picture.height))
  }

  private func noteJump(_ frame: SourceFrame) {
    guard clock.hasJumped else { return }
    sayOnce(
      .jump,
      "its clock goes back at frame \(frame.index): what follows is moved on, and the sound ends there"
    )
    sound?.end = 0
  }

  /// What is said of the first frame that it is true of.
  private enum Remark { case unknown, size, jump }

  private func sayOnce(_ remark: Remark, _ text: String) {
    guard said.insert(remark).inserted else { return }
    run.report(.remark(input.source, text))
  }
}
