import Digests
import FrameDecoding
import SystemPackage

/// Pictures and frames of videos, evenly chosen from all that was named: the same ones whenever the same files are named.
struct PictureSample {
  /// One of them.
  struct Place: Equatable, Sendable {
    /// What a person calls the file.
    let name: String
    let path: FilePath
    /// Where in a video, as a share of its duration; of a picture it says nothing.
    let share: Double
  }

  /// What ranges are found on.
  let calibration: [Place]
  /// What the result is compared on: every sixth.
  let heldOut: [Place]

  /// Every so many of those chosen is held out.
  private static let heldOutOneIn = 6

  /// Chooses.
  ///
  /// - Parameters:
  ///   - items: all there are, in their order.
  ///   - count: how many are wanted to calibrate on, at least 1.
  ///   - holdsOut: whether others are wanted to compare on.
  ///   - isVideo: whether a file has more than one frame; asked only where there are fewer files than are wanted.
  init(
    of items: [(name: String, path: FilePath)], count: Int, holdsOut: Bool,
    isVideo: (FilePath) -> Bool
  ) {
    let wanted = holdsOut ? count + count / (Self.heldOutOneIn - 1) : count
    let places = Self.places(of: items, wanted, isVideo)
    guard holdsOut else {
      (calibration, heldOut) = (places, [])
      return
    }
    func isHeldOut(_ index: Int) -> Bool { index % Self.heldOutOneIn == Self.heldOutOneIn - 1 }
    calibration = places.indices.filter { !isHeldOut($0) }.map { places[$0] }
    heldOut = places.indices.filter(isHeldOut).map { places[$0] }
  }

  private static func places(
    of items: [(name: String, path: FilePath)], _ wanted: Int, _ isVideo: (FilePath) -> Bool
  ) -> [Place] {
    guard items.count < wanted else {
      return (0..<wanted).map { index in
        let item = items[index * items.count / wanted]
        return Place(name: item.name, path: item.path, share: 0.5)
      }
    }
    let areVideos = items.map { isVideo($0.path) }
    let videoCount = areVideos.count { $0 }
    let frames = wanted - (items.count - videoCount)
    var videosSoFar = 0
    var places: [Place] = []
    for (item, isVideo) in zip(items, areVideos) {
      guard isVideo else {
        places.append(Place(name: item.name, path: item.path, share: 0))
        continue
      }
      let own = (videosSoFar + 1) * frames / videoCount - videosSoFar * frames / videoCount
      videosSoFar += 1
      for index in 0..<own {
        places.append(
          Place(
            name: item.name, path: item.path, share: (Double(index) + 0.5) / Double(own)))
      }
    }
    return places
  }

  /// SHA-256 of the list that ranges are found on, 64 hexadecimal digits.
  var digest: String {
    var digest = SHA256Digest()
    for place in calibration { digest.update(Array("\(place.name)\t\(place.share)\n".utf8)) }
    return digest.hexadecimal()
  }
}

extension PictureSample.Place {
  /// Decodes the picture, or the first frame at its time.
  ///
  /// - Returns: nil where a video has no frame there, for its duration is an estimate.
  /// - Throws: why it cannot be decoded.
  func frame(_ decoders: MediaDecoders) throws(MediaError) -> DecodedFrame? {
    let whole = try decoders.open(path)
    guard let duration = whole.info.duration, !whole.info.isStillImage else {
      return try whole.nextFrame()
    }
    let sampling = FrameSampling(start: duration * share, maxFrames: 1, needsFrameNumbers: false)
    return try decoders.open(path, sampling: sampling).nextFrame()
  }
}
