import RetinaNetModel
import SystemPackage
import TestSupport
import Testing

@testable import detect_batch

/// What a training begins with, by the file that is named.
struct TrainingStartTests {
  private static func start(_ name: String) throws -> TrainingStart {
    let fixtures = FilePath(TestData.packageRoot.path)
      .appending("Tests/RetinaNetModelTests/Fixtures/families")
    return try TrainingStart(fixtures.appending(name).string)
  }

  /// A backbone of Caffe's expects Caffe's input; what is new follows the rules of trainings here.
  @Test func aBackboneKeepsItsRules() throws {
    let start = try Self.start("caffe2-backbone.pkl")
    guard case .backbone = start.weights else {
      Issue.record("\(start.weights)")
      return
    }
    let conventions = try #require(start.description).conventions
    let caffes = Conventions.Preset.detectron2.conventions
    #expect(conventions.input == caffes.input)
    #expect(conventions.network.strideIn1x1)
    #expect(conventions.anchors == Conventions.trainedHere.anchors)
    #expect(conventions.detections == Conventions.trainedHere.detections)
  }

  @Test(arguments: [
    "mmdetection-3-runner.pth", "detectron2-trainer.pth", "deepforest-lightning.ckpt",
  ])
  func aDetectorKeepsAllOfThem(_ name: String) throws {
    let start = try Self.start(name)
    guard case .model(let model) = start.weights else {
      Issue.record("\(start.weights)")
      return
    }
    #expect(start.description == model.description)
  }

  /// Folders of trainings from before have this file as Foundation writes JSON: in any order, with escaped slashes.
  @Test func beginningsAreReadAsTheyWereWritten() throws {
    let workspace = try Workspace()
    let file = workspace.file("state.begin.json")
    try workspace.write(
      "state.begin.json",
      #"{"arguments":["data","--start","\/m\/a.pth","é"],"earlier":[{"arguments":[],"directory":"\/x"}],"#
        + #""directory":"\/home\/a b","later":{"than":[1]}}"#)
    let old = try TrainingBeginning.read(file)
    #expect(old.directory == "/home/a b" && old.arguments == ["data", "--start", "/m/a.pth", "é"])
    #expect(old.pipeline == nil && old.earlier?.map(\.directory) == ["/x"])

    var new = old
    new.pipeline = "a: \"b\"\n"
    try new.write(to: file)
    let again = try TrainingBeginning.read(file)
    #expect(again.pipeline == new.pipeline && again.arguments == old.arguments)
    #expect(again.earlier?.count == 1)

    for text in ["", "{}", "[]", #"{"directory":"/"}"#, #"{"directory":1,"arguments":[]}"#] {
      try workspace.write("state.begin.json", text)
      #expect(throws: (any Error).self, "\(text)") { try TrainingBeginning.read(file) }
    }
  }
}
