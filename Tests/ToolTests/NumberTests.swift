import Glibc
import Testing

/// Numbers from outside that no whole number holds, or that overflow where they are multiplied: wrong usage or an
/// unusable file, never the end of the process.
struct NumberTests {
  static let options: [[String]] = [
    ["--settle", "1e10"], ["--settle", "1e300"], ["--read-timeout", "1e30"],
    ["--queue-size", "9223372036854775807"], ["--workers", "9223372036854775807"],
    ["--decoders", "9223372036854775807"], ["--max-frames", "9223372036854775808"],
    ["--start", "1e300:00:00"], ["--segment", "1/9223372036854775807"],
    ["--shard", "1/9223372036854775807"], ["--memory-limit", "1e300GiB"], ["--nice", "1e9"],
  ]

  @Test(arguments: options)
  func ofOptions(_ option: [String]) throws {
    let workspace = try Workspace()
    let outcome = try Tool.run([Tool.samples, "-o", "-"] + option, in: workspace)
    #expect(outcome.status == 64 && !outcome.wasKilled, "\(outcome.messages)")
    #expect(outcome.messageLines.count == 1 && outcome.messages.contains(option[0]))
  }

  static let trainOptions: [[String]] = [
    ["--epochs", "1e300"], ["--rate-steps", "1e300"], ["--evaluate-every", "1e300"],
    ["--batch-size", "9223372036854775807"], ["--sizes", "9223372036854775807"],
    ["--max-size", "9223372036854775807"], ["--scale", "1e-300,1e300"],
    ["--anchor-sizes", "9223372036854775807"], ["--base-width", "9223372036854775807"],
    ["--pyramid-channels", "9223372036854775807"], ["--head-depth", "9223372036854775807"],
    ["--sizes", "512", "--max-size", "100"],
  ]

  @Test(arguments: trainOptions)
  func ofTraining(_ option: [String]) throws {
    let workspace = try Workspace()
    try writeVOC(in: workspace, width: "100")
    let outcome = try Tool.run(["train", "voc", "-o", "run"] + option, in: workspace)
    #expect(outcome.status == 64 && !outcome.wasKilled, "\(outcome.messages)")
    #expect(outcome.messages.contains(option[option.count - 2]), "\(outcome.messages)")
  }

  @Test func largestOptionsThatAreTaken() throws {
    let workspace = try Workspace()
    let most = "1000000000"
    let outcome = try Tool.run(
      [Tool.samples.appending("images/parcel.jpg"), "--root", Tool.samples, "-o", "-"]
        + ["read-timeout", "queue-size", "workers", "decoders", "batch-size", "every"]
        .flatMap { ["--\($0)", most] }
        + ["--segment", "1/1000000", "--end", most, "--memory-limit", "64MiB"], in: workspace)
    #expect(outcome.status == 0 && outcome.text.hasPrefix("{"), "\(outcome.messages)")
    let settling = try Tool.run([Tool.samples, "--settle", most], in: workspace)
    #expect(settling.status == 0 && settling.messages.contains("left for the next run"))
  }

  @Test func ofAnnotations() throws {
    let workspace = try Workspace()
    try writeVOC(in: workspace, width: "1e30")
    let outcome = try Tool.run(
      ["evaluate", "--annotations", "voc", "--split", "train", "--images", "voc"], in: workspace)
    #expect(outcome.status == 65 && !outcome.wasKilled, "\(outcome.messages)")
    #expect(
      outcome.messages.contains("voc/Annotations/a.xml: line 1: width is '1e30'"),
      "\(outcome.messages)")
  }

  /// The last second whose nanoseconds an Int64 does not hold to its end: the year 2262.
  @Test func ofModificationTimes() throws {
    let workspace = try Workspace()
    try workspace.write("a.jpg", Bytes.of(Tool.samples.appending("images/parcel.jpg")))
    var times = [
      timespec(tv_sec: 0, tv_nsec: 0), timespec(tv_sec: 9_223_372_036, tv_nsec: 900_000_000),
    ]
    let result = utimensat(AT_FDCWD, workspace.file("a.jpg").string, &times, 0)
    try #require(result == 0)
    let outcome = try Tool.run(["a.jpg"], in: workspace)
    #expect(outcome.status == 0 && !outcome.wasKilled, "\(outcome.messages)")
  }

  private func writeVOC(in workspace: Workspace, width: String) throws {
    try workspace.write(
      "voc/Annotations/a.xml",
      "<annotation><size><width>\(width)</width><height>80</height></size><object><name>cat</name>"
        + "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object></annotation>"
    )
    try workspace.write("voc/ImageSets/Main/train.txt", "a\n")
    try workspace.write(
      "voc/JPEGImages/a.jpg", Bytes.of(Tool.samples.appending("images/parcel.jpg")))
  }
}
