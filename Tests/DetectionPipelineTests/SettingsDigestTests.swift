import DetectionRecords
import FrameDecoding
import NeuralNetwork
import Testing

@testable import DetectionPipeline
@testable import RetinaNetModel

@Suite struct SettingsDigestTests {
  static let description = ModelDescription(
    architecture: .init(backbone: .resnet18), classes: [nil, "aztec", "qr_code"],
    preprocessing: .init(), anchors: .init(),
    postprocessing: .init(scoreThreshold: 0.25, classThresholds: ["aztec": 0.5]))

  static var calibrated: ModelDescription {
    var description = description
    description.quantization = ModelQuantization(
      arithmetic: .init(), pictures: 1, picturesDigest: String(repeating: "0", count: 64))
    return description
  }

  static func digest(
    model: String = "ab12", description: ModelDescription = description,
    _ options: DetectionOptions = .init(), _ sampling: FrameSampling = .init(),
    _ instructionSet: InstructionSet? = .avx2, libraries: [String] = ["libavcodec 59.37"]
  ) -> String {
    SettingsDigest(
      model: model, description: description, options: options, sampling: sampling,
      instructionSet: instructionSet, libraries: libraries
    ).hexadecimal
  }

  /// A calibrated model is int8 unless it is told otherwise; bf16 only where the CPU has it.
  @Test func `the precision counts as it is resolved`() {
    #expect(Self.digest(DetectionOptions(precision: .float32)) == Self.digest())
    #expect(
      Self.digest(description: Self.calibrated, DetectionOptions(precision: .int8))
        == Self.digest(description: Self.calibrated))
    #expect(
      Self.digest(description: Self.calibrated, DetectionOptions(precision: .float32))
        == Self.digest())
    #expect(
      (Self.digest(DetectionOptions(precision: .bf16)) == Self.digest())
        != InstructionSet.hasBFloat16)
  }

  @Test func `whatever changes bytes changes the digest`() {
    let others = [
      Self.digest(),
      Self.digest(model: "ab13"),
      Self.digest(DetectionOptions(scoreThreshold: 0.3)),
      Self.digest(DetectionOptions(classThresholds: ["qr_code": 0.3])),
      Self.digest(DetectionOptions(classes: ["qr_code"])),
      Self.digest(DetectionOptions(nmsThreshold: 0.4)),
      Self.digest(DetectionOptions(classAgnosticNMS: true)),
      Self.digest(DetectionOptions(maxDetections: 10)),
      Self.digest(DetectionOptions(candidatesPerLevel: 10)),
      Self.digest(DetectionOptions(shorterSide: 640)),
      Self.digest(DetectionOptions(longerSide: 1000)),
      Self.digest(DetectionOptions(tiling: Tiling(side: 800))),
      Self.digest(DetectionOptions(maxDetections: 300, tiling: Tiling(side: 800))),
      Self.digest(DetectionOptions(tiling: Tiling(side: 640))),
      Self.digest(DetectionOptions(tiling: Tiling(side: 800, overlap: 0.1))),
      Self.digest(DetectionOptions(tiling: Tiling(side: 800, measure: .iou))),
      Self.digest(DetectionOptions(tiling: Tiling(side: 800, threshold: 0.4))),
      Self.digest(DetectionOptions(tiling: Tiling(side: 800, includesWhole: false))),
      Self.digest(DetectionOptions(flip: true)),
      Self.digest(DetectionOptions(softNMS: .linear)),
      Self.digest(DetectionOptions(softNMS: .gaussian(sigma: 0.5))),
      Self.digest(DetectionOptions(softNMS: .gaussian(sigma: 0.4))),
      Self.digest(description: Self.calibrated),
      Self.digest(.init(), FrameSampling(selection: .every(2))),
      Self.digest(.init(), FrameSampling(selection: .every(3))),
      Self.digest(.init(), FrameSampling(selection: .rate(2))),
      Self.digest(.init(), FrameSampling(selection: .keyframes)),
      Self.digest(.init(), FrameSampling(start: 1)),
      Self.digest(.init(), FrameSampling(end: 1)),
      Self.digest(.init(), FrameSampling(maxFrames: 1)),
      Self.digest(.init(), FrameSampling(needsFrameNumbers: false)),
      Self.digest(.init(), .init(), .avx512Core),
      Self.digest(libraries: ["libavcodec 61.19"]),
    ]
    #expect(Set(others).count == others.count)
  }

  @Test func `the version of the records is part of it`() {
    let text = SettingsDigest(
      model: "ab12", description: Self.description, options: .init(), sampling: .init(),
      instructionSet: .avx2
    ).text
    #expect(text.hasPrefix("records \(recordSchemaVersion)\n"))
  }

  @Test func `saying what holds anyway does not`() {
    let same = [
      DetectionOptions(classThresholds: ["qr_code": 0.25]),
      DetectionOptions(classThresholds: ["aztec": 0.5]),
      DetectionOptions(classes: ["qr_code", "aztec"]),
      DetectionOptions(classAgnosticNMS: false),
      DetectionOptions(nmsThreshold: 0.5, maxDetections: 300, candidatesPerLevel: 1000),
      DetectionOptions(shorterSide: 800, longerSide: 1333), DetectionOptions(shorterSide: 800),
    ]
    for options in same { #expect(Self.digest(options) == Self.digest(), "\(options)") }
    #expect(Self.digest(.init(), FrameSampling(selection: .every(1))) == Self.digest())
    // The segment is in the output's name.
    #expect(
      Self.digest(.init(), FrameSampling(segment: .init(index: 1, count: 3))) == Self.digest())
  }

  /// Records of another Debian's libraries are not mixed with these.
  @Test func `the libraries are those that are loaded, by their releases`() {
    let text = SettingsDigest(
      model: "", description: Self.description, options: .init(), sampling: .init(),
      instructionSet: nil
    ).text
    let names = ["libavformat", "libavcodec", "libswscale", "oneDNN"]
    let said = text.split(separator: "\n").filter { line in
      names.contains { line.hasPrefix("\($0) ") }
    }
    #expect(said.count == names.count)
    for line in said {
      #expect(line.wholeMatch(of: /[A-Za-z]+ [1-9][0-9]*\.[0-9]+/) != nil, "\(line)")
    }
    // What FFmpeg's package calls 5.1 has this decoder.
    if DecoderVersion.text.hasPrefix("5.1") { #expect(said.contains("libavcodec 59.37")) }
  }

  /// The digest resolves thresholds as the detector does.
  @Test func `thresholds are those of the detector`() throws {
    let options = [
      DetectionOptions(), DetectionOptions(scoreThreshold: 0.3),
      DetectionOptions(scoreThreshold: 0.3, classThresholds: ["aztec": 0.1]),
      DetectionOptions(classes: ["aztec"]),
    ]
    for options in options {
      let thresholds = try OutputSelection(options, for: Self.description).scoreThresholds
      let lines = thresholds.enumerated().filter { $0.element.isFinite }
        .map { "class \($0.offset) \($0.element)" }
      let text = SettingsDigest(
        model: "", description: Self.description, options: options, sampling: .init(),
        instructionSet: nil
      ).text
      #expect(
        text.split(separator: "\n").map(String.init).filter { $0.hasPrefix("class") } == lines)
    }
  }
}
