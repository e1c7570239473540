import CFFmpeg

/// The container that a file's first bytes look like, before anything of it is opened.
struct ContainerFormat {
  let pointer: UnsafePointer<AVInputFormat>
  /// What FFmpeg is told instead of the file's name, which could hold anything: only the extension is kept, which
  /// decides where the bytes do not tell (TGA).
  let inputName: String

  /// Finds the container.
  ///
  /// - Throws: a data failure if nothing known fits, or if it is of a kind that is never opened; an access failure if
  ///   the file cannot be read.
  init(of bytes: ByteStream, fileExtension: String?) throws(MediaError) {
    inputName = "input" + (fileExtension.map { ".\($0)" } ?? "")
    var pointer: UnsafePointer<AVInputFormat>?
    let score = av_probe_input_buffer2(bytes.context, &pointer, inputName, nil, 0, 0)
    if let failure = bytes.source.failure { throw failure }
    guard score >= 0, let pointer else {
      throw MediaError(.data, "no known video or image format")
    }
    // To a prober, many JPEGs in a row look like one.
    let isMotionJPEG =
      ["mjpeg", "mjpg"].contains(fileExtension?.lowercased())
      && ["jpeg_pipe", "image2"].contains(String(cString: pointer.pointee.name))
    self.pointer = isMotionJPEG ? av_find_input_format("mjpeg") ?? pointer : pointer
    if let refusal { throw MediaError(.data, "\(name): \(refusal)") }
  }

  /// FFmpeg's name, such as `mov,mp4,m4a,3gp,3g2,mj2`.
  var name: String { String(cString: pointer.pointee.name) }

  /// One picture is the whole file. FFmpeg's demuxers of these cut the bytes into packets by guesswork, so they are
  /// not used: the file is the packet.
  var isStillImage: Bool { name == "image2" || (name.hasSuffix("_pipe") && name != "gif_pipe") }

  /// Timestamps may start anew in mid-file, as broadcasts do.
  var mayJumpInTime: Bool { pointer.pointee.flags & AVFMT_TS_DISCONT != 0 }

  /// Its index lists every packet of the file when it is open, unless it is fragmented.
  var isIndexed: Bool { name.hasPrefix("mov,") }

  /// Every packet has a time of its own, as long as nothing is damaged.
  var timesEveryPacket: Bool { isIndexed || name.hasPrefix("matroska,") }

  /// Icons (sizes of one picture), and animations of one frame.
  func holdsOnePicture(_ stream: UnsafeMutablePointer<AVStream>) -> Bool {
    name == "ico" || (name == "gif" || name == "apng") && stream.pointee.nb_frames == 1
  }

  private var refusal: String? {
    if Self.playlists.contains(name) {
      return "a list of other files or addresses, which are not opened"
    }
    if Self.textArt.contains(name) { return "text, not video" }
    if name != "image2" && pointer.pointee.flags & AVFMT_NOFILE != 0 {
      return "not read from a file"
    }
    return nil
  }

  private static let playlists: Set = [
    "concat", "dash", "hls", "imf", "rtp", "rtsp", "sap", "sdp", "webm_dash_manifest",
  ]

  /// Terminal screens, taken from any text or from an extension alone.
  private static let textArt: Set = ["adf", "bin", "idf", "tty", "xbin"]
}
