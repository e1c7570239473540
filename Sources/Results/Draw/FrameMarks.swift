import DetectionRecords
import Drawing

/// What is marked in each frame of an input, whose records may be of some of its frames only.
///
/// Frames are asked for in order. Lines are read as they are needed, with as many ahead as the widest question takes.
final class FrameMarks {
  /// What is marked between frames that were looked at.
  enum Between {
    /// Nothing.
    case nothing
    /// What was found last.
    case lastFound
    /// All places where what was found before and what is found next can have been: see `marks(at:)`.
    case wholeWay
    /// Nobody knows: pages have nothing to do with each other.
    case unknown
  }

  /// What is marked in a frame.
  enum Marks: Equatable {
    /// These.
    case annotations([Annotation])
    /// Nobody looked, and nothing can be said.
    case unknown
  }

  /// A frame's place: its number, or where records have none its time.
  struct Place {
    let index: Int
    let time: Double?
  }

  /// The size that records say of the frame last asked for; nil where it has none.
  private(set) var recordedSize: (width: Int, height: Int)?

  /// Whether the way is lost: records that have times alone went back in time, or have not even those. From there on nobody
  /// knows which frame a line is of.
  private(set) var isLost = false {
    didSet { if isLost && !oldValue { whenLost() } }
  }

  /// Detections that count, in the lines read so far.
  private(set) var detections = 0

  private struct Look {
    var position: Double
    var seconds: Double
    var size: (width: Int, height: Int)?
    /// Nil for a frame that could not be looked at.
    var annotations: [Annotation]?
    /// Whether the clock was set back before it.
    var turnsBack: Bool
  }

  private let records: InputRecords
  private let selection: DetectionSelection
  private let between: Between
  private let framesPerSecond: Double
  private let whenLost: () -> Void
  private var upcoming: ArraySlice<Look> = []
  private var isAtEnd = false
  /// The rest of the input was not looked at.
  private var endsInFailure = false
  private var usesFrameNumbers = true
  private var isFirst = true
  /// The last line at or before the frame, and the last of them that was looked at.
  private var last: Look?
  private var lastLooked: Look?
  private var lastRead: Look?
  /// Of the frame that was asked for last.
  private var lastPosition: Double?
  /// The widest step from one line to the next so far.
  private var widestStep: Double?
  /// Seconds of the last frame in which something is marked, and of the last that `isNearDetection` was asked of.
  private var lastHit: Double?
  private var lastAsked: Double?

  /// Starts an input, at its first line.
  ///
  /// - Parameters:
  ///   - records: Whose `nextInput` was called.
  ///   - selection: Which detections count.
  ///   - between: What is marked in frames without a line.
  ///   - framesPerSecond: To tell time where frames have none.
  ///   - whenLost: Called once, when `isLost` becomes true.
  init(
    _ records: InputRecords, _ selection: DetectionSelection, between: Between,
    framesPerSecond: Double?, whenLost: @escaping () -> Void = {}
  ) {
    self.whenLost = whenLost
    self.records = records
    self.selection = selection
    self.between = between
    self.framesPerSecond = framesPerSecond ?? 25
  }

  /// What is marked in the next frame.
  ///
  /// On the whole way from one frame that was looked at to the next, each box is the smallest that holds a box before and
  /// the nearest one of its class after, so that what moves evenly from one to the other is within; boxes without a
  /// counterpart stay where they are. Before the first frame that was looked at and after the last, its boxes stay, but no
  /// longer than the widest step between lines so far, for what lies beyond was left out of the detection: of one line
  /// alone nothing is known.
  ///
  /// - Throws: `RecordReadingError`.
  func marks(at place: Place) throws(RecordReadingError) -> Marks {
    let isLooked = try advance(to: place)
    let nothing: Marks =
      switch between {
      case .nothing, .lastFound: .annotations([])
      case .wholeWay, .unknown: .unknown
      }
    guard let position = position(of: place), !isLost else { return nothing }
    if isLooked, let last { return last.annotations.map(Marks.annotations) ?? nothing }
    switch between {
    case .nothing, .unknown: return nothing
    case .lastFound: return .annotations(last?.annotations ?? [])
    case .wholeWay: return try wholeWay(position)
    }
  }

  /// Whether something is marked in a frame within so many seconds of this one, which was the last that `marks` was asked
  /// for.
  ///
  /// - Throws: `RecordReadingError`.
  func isNearDetection(
    _ place: Place, _ marks: Marks, seconds: Double
  ) throws(RecordReadingError) -> Bool {
    let now = self.seconds(of: place)
    // After a clock that was set back, what was marked before is not near.
    if let lastAsked, now < lastAsked { lastHit = nil }
    lastAsked = now
    if case .annotations(let annotations) = marks, !annotations.isEmpty { lastHit = now }
    let reach = seconds + Self.sameTime
    if let lastHit, abs(now - lastHit) <= reach { return true }
    while upcoming.last.map({ $0.seconds <= now + reach && !$0.turnsBack }) ?? true, try readLine()
    {}
    return upcoming.prefix { !$0.turnsBack }.contains { look in
      !(look.annotations ?? []).isEmpty && abs(look.seconds - now) <= reach
    }
  }

  /// Seconds from the start.
  func seconds(of place: Place) -> Double { place.time ?? Double(place.index) / framesPerSecond }

  private func position(of place: Place) -> Double? {
    usesFrameNumbers ? Double(place.index) : place.time
  }

  /// Goes on to a frame; whether there is a line of it.
  private func advance(to place: Place) throws(RecordReadingError) -> Bool {
    if upcoming.isEmpty { _ = try readLine() }
    recordedSize = nil
    guard let position = position(of: place) else { return false }
    if !usesFrameNumbers, let lastPosition, position < lastPosition - Self.sameTime {
      isLost = true
    }
    lastPosition = position
    while let next = known.first, next.position <= position + Self.sameTime {
      upcoming.removeFirst()
      last = next
      if next.annotations != nil { lastLooked = next }
      if upcoming.isEmpty { _ = try readLine() }
    }
    guard let last, abs(last.position - position) <= Self.sameTime else { return false }
    recordedSize = last.size
    return true
  }

  /// What comes next; where there are times alone, up to where they go back.
  private var known: ArraySlice<Look> {
    usesFrameNumbers ? upcoming : upcoming.prefix { !$0.turnsBack }
  }

  /// Records have times with six decimals.
  private static let sameTime = 0.6e-6

  /// Reads one more line; false after the last.
  private func readLine() throws(RecordReadingError) -> Bool {
    while !isAtEnd {
      guard let line = try records.next() else {
        isAtEnd = true
        break
      }
      if line.record.isInputFailure {
        endsInFailure = true
        continue
      }
      if isFirst { usesFrameNumbers = line.record.frame != nil }
      isFirst = false
      guard let position = usesFrameNumbers ? line.record.frame.map(Double.init) : line.record.time
      else {
        if line.record.frame == nil && line.record.time == nil {
          isLost = true
          continue
        }
        throw line.error("it has neither the frame's number nor its time, as others have")
      }
      let seconds = line.record.time ?? position / framesPerSecond
      if let lastRead {
        widestStep = max(widestStep ?? 0, position - lastRead.position)
      }
      var size: (width: Int, height: Int)?
      if let width = line.record.width, let height = line.record.height { size = (width, height) }
      let annotations = selection.annotations(of: line.record, labels: records.labels)
      detections += annotations?.count ?? 0
      let look = Look(
        position: position, seconds: seconds, size: size, annotations: annotations,
        turnsBack: lastRead.map { seconds < $0.seconds } ?? false)
      upcoming.append(look)
      lastRead = look
      return true
    }
    return false
  }

  private func wholeWay(_ position: Double) throws(RecordReadingError) -> Marks {
    var next = known.first { $0.annotations != nil }
    while next == nil, known.count == upcoming.count, try readLine() {
      next = known.first { $0.annotations != nil }
    }
    switch (lastLooked, next) {
    case (let before?, let after?):
      return .annotations(Self.way(before.annotations ?? [], after.annotations ?? []))
    case (let before?, nil):
      if endsInFailure || isFar(position - before.position) { return .unknown }
      return .annotations(before.annotations ?? [])
    case (nil, let after?):
      // The step to the next line but one tells how far apart they are.
      if widestStep == nil { _ = try readLine() }
      return isFar(after.position - position) ? .unknown : .annotations(after.annotations ?? [])
    case (nil, nil): return .unknown
    }
  }

  private func isFar(_ distance: Double) -> Bool { widestStep.map { distance > $0 } ?? true }

  /// Boxes that hold what moves evenly from the ones to the others.
  static func way(_ before: [Annotation], _ after: [Annotation]) -> [Annotation] {
    var pairs: [(distance: Double, before: Int, after: Int)] = []
    for (first, from) in before.enumerated() {
      for (second, to) in after.enumerated() where to.label == from.label {
        pairs.append((from.box.squaredDistance(to: to.box), first, second))
      }
    }
    var (paired, taken) = (Set<Int>(), Set<Int>())
    var boxes: [Annotation] = []
    for pair in pairs.sorted(by: { $0.distance < $1.distance })
    where !paired.contains(pair.before) && !taken.contains(pair.after) {
      paired.insert(pair.before)
      taken.insert(pair.after)
      var annotation = before[pair.before]
      annotation.box = annotation.box.union(after[pair.after].box)
      boxes.append(annotation)
    }
    for (number, annotation) in before.enumerated() where !paired.contains(number) {
      boxes.append(annotation)
    }
    for (number, annotation) in after.enumerated() where !taken.contains(number) {
      boxes.append(annotation)
    }
    return boxes
  }
}

extension AnnotatedBox {
  /// Between the middles.
  fileprivate func squaredDistance(to other: AnnotatedBox) -> Double {
    let across = x + width / 2 - other.x - other.width / 2
    let down = y + height / 2 - other.y - other.height / 2
    return across * across + down * down
  }
}
