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
      while let frame = try input.reader.nextSourceFrame() {
        if cancellation.isCancelled { throw DrawError.stopped }
        let place = FrameMarks.Place(index: frame.index, time: frame.time)
        let found = try marks.marks(at: place)
        if let padding {
          let isNear = try marks.isNearDetection(place, found, seconds: padding)
          try video.goOn(isNear ? Self.clipName(input, marks.seconds(of: place)) : nil, frame)
        } else if frame.index == 0 {
          try video.goOn(whole, frame)
        }
        try video.append(frame, found)
      }
    } catch let error as MediaError {
      // What was decoded is drawn: that is as much as there is, and the records say the same.
      guard video.frames > 0, !cancellation.isCancelled else { throw error }
      report(.remark(input.source, "stops early: \(error)"))
    }
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
  private var file: (name: FilePath, output: PendingOutput, writer: VideoWriter?, start: Int64)?
  private var size: (width: Int, height: Int)?
  private var isInClip = false
  private var saidJump = false
  private var saidUnknown = false

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
    guard let reader = try SoundReader(path: input.path, cancellation: run.cancellation) else {
      return nil
    }
    do {
      guard let sound = try PlayableSound(reader) else { return nil }
      if sound.isEncodedAnew {
        run.report(
          .remark(
            input.source, "its sound (\(reader.format.codec)) is no sound of an MP4: it becomes AAC"
          ))
      }
      return ClipSound(sound)
    } catch {
      run.report(.remark(input.source, "its sound is left out: \(error)"))
      return nil
    }
  }

  /// Begins the file of this name where none is open, and with nil ends the one that is open.
  func goOn(_ name: FilePath?, _ frame: SourceFrame) throws {
    guard let name else {
      try finish()
      return
    }
    if isInClip { return }
    isInClip = true
    guard try run.files.isWanted(name, madeFrom: input.path) else {
      run.exists(name, from: input.source)
      return
    }
    file = (name, try run.files.begin(name), nil, 0)
  }

  /// Draws on a frame and writes it, if a file is open.
  func append(_ frame: SourceFrame, _ found: FrameMarks.Marks) throws {
    let place = clock.place(frame.timestamp, duration: frame.duration)
    if clock.hasJumped && !saidJump {
      saidJump = true
      run.report(
        .remark(
          input.source,
          "its clock goes back at frame \(frame.index): what follows is moved on, and the sound ends there"
        ))
      sound?.end = 0
    }
    guard var file else { return }
    try run.check(
      marks, width: frame.picture.width, height: frame.picture.height, frame: frame.index)
    if found == .unknown && run.configuration.style.cover != nil && !saidUnknown {
      saidUnknown = true
      run.report(
        .remark(
          input.source,
          "frame \(frame.index) and maybe others were not looked at: they are covered whole"))
    }
    var picture = frame.picture
    // Drawing nothing would copy the picture.
    if found != .annotations([]) { Canvas.draw(on: &picture) { run.draw(found, on: $0) } }
    if file.writer == nil {
      file = try open(file, frame, at: place)
      self.file = file
    }
    if let size, size != (picture.width, picture.height) {
      run.report(
        .remark(
          input.source,
          "its pictures change from \(size.width)x\(size.height) to \(picture.width)x\(picture.height) at frame \(frame.index): an MP4 has one size, and they are scaled to the first"
        ))
      self.size = nil
    }
    let duration = frame.duration
    try file.writer?.append(picture, at: place - file.start, for: duration)
    sound?.noteFrame(endingAt: place + (duration ?? 1), input.reader.info.timeBase)
    frames += 1
  }

  /// Ends the file that is open.
  func finish() throws {
    defer {
      file = nil
      isInClip = false
    }
    guard let file, let writer = file.writer else { return }
    try writer.finish()
    try file.output.commit()
    run.made(file.name, from: input.source)
  }

  private func open(
    _ file: (name: FilePath, output: PendingOutput, writer: VideoWriter?, start: Int64),
    _ frame: SourceFrame, at place: Int64
  ) throws -> (name: FilePath, output: PendingOutput, writer: VideoWriter?, start: Int64) {
    let info = input.reader.info
    guard let timeBase = info.timeBase else { preconditionFailure("a video without a clock") }
    var opened = file
    var isClip = false
    if case .detections = run.configuration.content { isClip = true }
    // A clip begins at 0, a whole video where the source begins, counted from its container's start.
    opened.start = isClip ? place : 0
    size = (frame.picture.width, frame.picture.height)
    sound?.begin(at: Double(opened.start) * timeBase.value, endsWithFrames: isClip)
    opened.writer = try VideoWriter(
      path: file.output.path,
      format: VideoFormat(
        width: frame.picture.width, height: frame.picture.height, colour: frame.picture.colour,
        pixelShape: frame.pixelShape, timeBase: timeBase,
        averageFrameRate: info.averageFrameRate),
      quality: run.configuration.quality,
      sound: sound.map { sound in (sound.format, { sound.next() }) })
    return opened
  }
}
