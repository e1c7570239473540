import FrameDecoding
import Testing

@testable import DetectionPipeline
@testable import FrameDecoding

@Suite struct FrameEstimateTests {
  private static func info(
    frames: Int?, duration: Double?, isStillImage: Bool = false
  ) -> MediaInfo {
    MediaInfo(
      container: "x", codec: "x", width: 6, height: 4, orientation: .upright, duration: duration,
      averageFrameRate: nil, timeBase: nil, estimatedFrames: frames, isStillImage: isStillImage,
      remarks: [])
  }

  /// Of 250 frames in 10 seconds.
  static let cases: [(FrameSampling, Int?)] = [
    (FrameSampling(), 250), (FrameSampling(selection: .every(7)), 36),
    (FrameSampling(selection: .rate(2)), 20), (FrameSampling(selection: .rate(1000)), 250),
    (FrameSampling(selection: .keyframes), nil), (FrameSampling(maxFrames: 9), 9),
    (FrameSampling(start: 4), 150), (FrameSampling(end: 4), 100),
    (FrameSampling(start: 2, end: 4), 50), (FrameSampling(start: 100), 0),
    (FrameSampling(end: 100), 250), (FrameSampling(selection: .rate(2), start: 4), 12),
    (FrameSampling(segment: .init(index: 0, count: 5)), 50),
  ]

  @Test func framesAreEstimatedFromWhatTheContainerSays() {
    let info = Self.info(frames: 250, duration: 10)
    for (sampling, frames) in Self.cases {
      #expect(FrameEstimate(info, sampling: sampling).frames == frames, "\(sampling)")
    }
    let still = Self.info(frames: 1, duration: nil, isStillImage: true)
    let late = FrameSampling(selection: .keyframes, start: 9)
    #expect(FrameEstimate(still, sampling: late).frames == 1)
  }

  @Test func whatNobodySaysIsNotKnown() {
    let lengthless = Self.info(frames: nil, duration: nil)
    for (sampling, _) in Self.cases {
      #expect(FrameEstimate(lengthless, sampling: sampling) == .init(frames: nil, duration: nil))
    }
    // Of numbers that a forged header says, some are none.
    for frames in [-1, Int.max, Int.min] {
      let forged = Self.info(frames: frames, duration: -.infinity)
      #expect(FrameEstimate(forged, sampling: .init()).frames == nil)
    }
    #expect(FrameEstimate(of: "/nowhere/a.mp4", sampling: .init()) == nil)
    #expect(FrameEstimate(of: "/nowhere/a.JPG", sampling: .init())?.frames == 1)
  }
}
