import DetectionRecords
import FrameDecoding
import JSONText
import SystemPackage

/// A page for looking at records: counts, pictures, timelines, and the original files with boxes over them.
///
///     report/index.html      the page
///     report/page/           its style and scripts
///     report/data/           NAME.js: overview, inputs-N, records-N, failures-N and galleries, loaded when asked for
///     report/pictures/       N.jpg: frames that were chosen
///
/// It opens from a file system and asks no network for anything. Memory does not grow with the records, but for an
/// evaluation, and for the pictures of a report in one file (`scripts/check-report --records` measures it).
public struct Report {
  /// How much there is in a report.
  public struct Summary: Sendable {
    /// Inputs.
    public var inputs: Int
    /// Frames.
    public var frames: Int
    /// Detections that count.
    public var detections: Int
    /// Pictures that were made.
    public var pictures: Int
    /// Pictures that could not be made, and why the first could not.
    public var failedPictures: (count: Int, first: String)?
    /// Inputs whose file is not to be found.
    public var lostInputs: Int
    /// Bytes of the report.
    public var size: Int
  }

  private let request: ReportRequest

  /// Prepares a report; nothing is made yet.
  public init(_ request: ReportRequest) { self.request = request }

  /// Makes it.
  ///
  /// - Throws: `ReportError`, `RecordReadingError`, `FileError`, and of annotations `DatasetError`. Nothing is left
  ///   behind then.
  public func write() throws -> Summary {
    let output = try ReportOutput(
      request.output, isOneFile: request.isOneFile, title: request.title,
      replaces: request.existing == .always)
    let evaluation = try request.annotations.map { try ReportEvaluation($0, request) }
    let links = MediaLink(
      from: request.isOneFile ? request.output.removingLastComponent() : request.output,
      workingDirectory: MediaLink.currentDirectory())
    var gathering = ReportGathering(
      request, wanted: evaluation?.wanted ?? [], addressOf: links.address,
      write: { try output.add($0, $1) })
    let reader = RecordReader(
      try RecordFiles(request.records), isStopped: request.isStopped)
    try gathering.read(reader)

    let galleries =
      sampleGalleries(gathering, labels: reader.labels)
      + (evaluation?.galleries(gathering.found, labels: reader.labels) ?? [])
    // Used by one thread at a time: `make` calls for one picture after another.
    let keeper = PictureKeeper(output)
    let pictures = try SamplePictures.make(
      galleries.flatMap { $0.tiles.map { $0.frame } }, threads: request.threads,
      with: request.decoders, isStopped: request.isStopped, keep: keeper.keep)
    for gallery in galleries {
      try output.add(gallery.name, Array(gallery.json(pictures).compact.utf8))
    }
    let overview = overview(gathering, galleries, evaluation, labels: reader.labels)
    try output.add("overview", Array(overview.compact.utf8))
    try output.finish()
    return summary(gathering, pictures, size: output.size)
  }

  private func summary(
    _ gathering: ReportGathering,
    _ pictures: [SampledFrame.Identity: Result<String, MediaError>], size: Int
  ) -> Summary {
    let failures = pictures.sorted { $0.key < $1.key }.compactMap { entry -> String? in
      if case .failure(let error) = entry.value { error.reason } else { nil }
    }
    return Summary(
      inputs: gathering.inputs, frames: gathering.frames, detections: gathering.detections,
      pictures: pictures.count - failures.count,
      failedPictures: failures.first.map { (failures.count, $0) },
      lostInputs: gathering.lostInputs, size: size)
  }

  // MARK: Galleries

  private func sampleGalleries(
    _ gathering: ReportGathering, labels: [String]
  ) -> [ReportGallery] {
    let least = request.threshold ?? 0
    var galleries: [ReportGallery] = []
    let found = gathering.classes.tallies.enumerated().filter { $0.element.sample.total > 0 }
      .sorted { ($1.element.detections, $0.offset) < ($0.element.detections, $1.offset) }
    for (place, tally) in found {
      galleries.append(
        ReportGallery(
          name: Self.galleryName(place), title: ReportClasses.label(of: place, in: labels),
          note: "Chosen at random from the frames in which one was found.", least: least,
          total: tally.sample.total,
          tiles: tally.sample.elements.map { .init($0, least: least, sortedBy: place) }))
    }
    if gathering.below.total > 0, let threshold = request.threshold {
      galleries.append(
        ReportGallery(
          name: "below", title: "Just below the threshold",
          note:
            "Chosen at random from the frames whose best detection scores less than \(threshold), "
            + "by \(ReportGathering.belowMargin) at most: what a lower threshold would add.",
          least: gathering.floor, total: gathering.below.total,
          tiles: gathering.below.elements.map { .init($0, least: gathering.floor) }))
    }
    if gathering.empty.total > 0 {
      galleries.append(
        ReportGallery(
          name: "empty", title: "Without a detection",
          note: "Chosen at random from the frames in which nothing was found.", least: 1,
          total: gathering.empty.total,
          tiles: gathering.empty.elements.map { .init($0, least: 2) }))
    }
    return galleries.filter { !$0.tiles.isEmpty }
  }

  private static func galleryName(_ place: Int) -> String { "class-\(place)" }

  // MARK: Overview

  private func overview(
    _ gathering: ReportGathering, _ galleries: [ReportGallery], _ evaluation: ReportEvaluation?,
    labels: [String]
  ) -> JSONValue {
    let names = Dictionary(
      uniqueKeysWithValues: gathering.classes.tallies.indices.compactMap { place in
        galleries.contains { $0.name == Self.galleryName(place) }
          ? (place, Self.galleryName(place)) : nil
      })
    let threshold = request.threshold ?? gathering.runs.threshold
    return .object([
      ("title", .string(request.title)), ("version", .string(request.version)),
      ("made", .string(RunFacts.date(request.time))),
      ("threshold", request.threshold.map(JSONValue.double) ?? .null),
      ("line", threshold.map(JSONValue.double) ?? .null),
      ("pageSize", .int(ReportGathering.pageSize)), ("inputPages", .int(gathering.inputPages)),
      ("failurePages", .int(gathering.failures.pages)),
      ("failuresLeftOut", .int(gathering.failures.leftOut)),
      ("counts", counts(gathering)),
      ("classes", gathering.classes.json(labels: labels, galleries: names)),
      ("reasons", gathering.failures.json), ("runs", gathering.runs.json),
      (
        "topInputs",
        .array(
          gathering.top.map { .array([.int($0.input), .string($0.source), .int($0.detections)]) })
      ),
      ("notes", .array(notes(gathering).map(JSONValue.string))),
      ("galleries", .array(galleries.map(\.summary))), ("evaluation", evaluation?.json ?? .null),
    ])
  }

  private func counts(_ gathering: ReportGathering) -> JSONValue {
    .object([
      ("inputs", .int(gathering.inputs)), ("failedInputs", .int(gathering.failedInputs)),
      ("frames", .int(gathering.frames)), ("failedFrames", .int(gathering.failedFrames)),
      ("failures", .int(gathering.failures.total)),
      ("framesWithDetections", .int(gathering.framesWithDetections)),
      ("detections", .int(gathering.detections)),
      ("below", .int(gathering.classes.tallies.reduce(0) { $0 + $1.below })),
    ])
  }

  private func notes(_ gathering: ReportGathering) -> [String] {
    var notes: [String] = []
    if gathering.lostInputs > 0 {
      notes.append(
        "The files of \(gathering.lostInputs) inputs were not found and cannot be shown: "
          + "detect-batch report --root says which directory they are in.")
    }
    if gathering.corruptFrames > 0 {
      notes.append(
        "Of the frames, \(gathering.corruptFrames) are damaged; what is left of them was looked at."
      )
    }
    return notes
  }
}

/// Hands pictures to an output.
///
/// @unchecked: `SamplePictures.make` calls `keep` under its lock, and nobody else uses the output meanwhile.
private final class PictureKeeper: @unchecked Sendable {
  private let output: ReportOutput

  init(_ output: ReportOutput) { self.output = output }

  func keep(_ number: Int, _ bytes: [UInt8]) throws -> String {
    try output.add(picture: bytes, number: number)
  }
}
