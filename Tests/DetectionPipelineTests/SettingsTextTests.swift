import FrameDecoding
import NeuralNetwork
import Testing

@testable import DetectionPipeline
@testable import RetinaNetModel

@Suite struct SettingsTextTests {
  static func text(
    _ sampling: FrameSampling = .init(), _ options: DetectionOptions = .init(),
    model: String = "ab12"
  ) -> SettingsText {
    SettingsText(
      SettingsDigest(
        model: model, description: SettingsDigestTests.description, options: options,
        sampling: sampling, instructionSet: .avx2
      ).text)
  }

  @Test func `changes are said by name`() {
    let cases: [(SettingsText, String)] = [
      (Self.text(), ""),
      (Self.text(FrameSampling(maxFrames: 2)), "max-frames was none, is 2"),
      (Self.text(FrameSampling(selection: .rate(2))), "sampling was all, is rate 2.0"),
      (
        Self.text(FrameSampling(start: 1.5, end: 9)),
        "from --start to --end was none to none, is 1.5 to 9.0"
      ),
      (Self.text(model: "cd"), "another model"),
      (
        Self.text(.init(), DetectionOptions(scoreThreshold: 0.3, maxDetections: 7)),
        "max-detections was 300, is 7, other classes or score thresholds"
      ),
      (
        Self.text(.init(), DetectionOptions(classes: ["aztec"])),
        "other classes or score thresholds"
      ),
      // A line that another version has, or had.
      (
        SettingsText("select all\nrange - -\nmax-frames -\nffmpeg 8.1"),
        "ffmpeg was not there, is 8.1"
      ),
    ]
    for (new, words) in cases.dropLast() { #expect(new.changes(since: Self.text()) == words) }
    let old = SettingsText("select all\nrange - -\nmax-frames -")
    #expect(cases[cases.count - 1].0.changes(since: old) == cases[cases.count - 1].1)
    #expect(old.changes(since: cases[cases.count - 1].0) == "ffmpeg was 8.1, is not there")
  }

  @Test func `fewer frames are told from others`() {
    func takesFewer(_ new: FrameSampling, than old: FrameSampling, of frames: Int = 28) -> Bool {
      Self.text(new).takesFewerFrames(than: Self.text(old), which: frames)
    }
    let all = FrameSampling()
    let fewer: [(FrameSampling, FrameSampling)] = [
      (FrameSampling(maxFrames: 2), all),
      (FrameSampling(maxFrames: 27), FrameSampling(maxFrames: 28)),
      (FrameSampling(selection: .every(2)), all), (FrameSampling(selection: .keyframes), all),
      (FrameSampling(selection: .rate(1)), FrameSampling(selection: .rate(2))),
      (FrameSampling(selection: .every(3)), FrameSampling(selection: .every(2))),
      (FrameSampling(start: 1), all), (FrameSampling(end: 1), FrameSampling(end: 2)),
      (FrameSampling(start: 2, end: 9), FrameSampling(start: 1, end: 8)),
    ]
    for (new, old) in fewer {
      #expect(takesFewer(new, than: old), "\(new) than \(old)")
      // Of one frame, as an image has, none is lost.
      #expect(!takesFewer(new, than: old, of: 1))
    }
    for (old, new) in fewer.dropLast() {
      #expect(!takesFewer(new, than: old), "\(new) than \(old)")
    }
    #expect(!takesFewer(all, than: all))
    #expect(!takesFewer(FrameSampling(maxFrames: 28), than: all))
    // Nobody can say which are more.
    #expect(
      !takesFewer(FrameSampling(selection: .every(50)), than: FrameSampling(selection: .keyframes)))
    #expect(
      !takesFewer(FrameSampling(selection: .rate(2)), than: FrameSampling(selection: .every(2))))
    // Detections are another matter.
    #expect(
      !Self.text(all, DetectionOptions(scoreThreshold: 0.9))
        .takesFewerFrames(than: Self.text(all), which: 28))
  }
}
