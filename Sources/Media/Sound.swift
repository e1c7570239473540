/// How the packets of a sound track are coded: what a muxer has to know to write them as they are.
public struct SoundFormat: Equatable, Sendable {
  /// FFmpeg's name of the codec, such as `aac`.
  public var codec: String
  /// Seconds between two ticks of the packets' times.
  public var timeBase: Ratio
  /// Samples a second.
  public var sampleRate: Int
  /// Channels.
  public var channels: Int
  /// FFmpeg's mask of what the channels are; 0 where nobody says.
  public var channelMask: UInt64
  /// What the decoder needs before the first packet.
  public var header: [UInt8]
  /// FFmpeg's number of the codec's profile.
  public var profile: Int
  /// Bits a second; 0 where nobody says.
  public var bitRate: Int
  /// Samples in each packet; 0 where it varies.
  public var frameSamples: Int
  /// Bytes that belong together; 0 where nobody says.
  public var blockBytes: Int
  /// Samples at the start that only prepare the decoder.
  public var primingSamples: Int

  /// Names all of it.
  public init(
    codec: String, timeBase: Ratio, sampleRate: Int, channels: Int, channelMask: UInt64,
    header: [UInt8], profile: Int, bitRate: Int, frameSamples: Int, blockBytes: Int,
    primingSamples: Int
  ) {
    self.codec = codec
    self.timeBase = timeBase
    self.sampleRate = sampleRate
    self.channels = channels
    self.channelMask = channelMask
    self.header = header
    self.profile = profile
    self.bitRate = bitRate
    self.frameSamples = frameSamples
    self.blockBytes = blockBytes
    self.primingSamples = primingSamples
  }
}

/// A packet of sound as it lies in the file.
public struct SoundPacket: Equatable, Sendable {
  /// The coded bytes.
  public var bytes: [UInt8]
  /// When it begins, in ticks of the track's time base from the container's start.
  public var timestamp: Int64
  /// How long it lasts, in ticks; 0 where nobody says.
  public var duration: Int64

  /// Names all of it.
  public init(bytes: [UInt8], timestamp: Int64, duration: Int64) {
    self.bytes = bytes
    self.timestamp = timestamp
    self.duration = duration
  }
}

/// Sound as numbers.
public struct SoundSamples: Sendable {
  /// When it begins, in ticks of the track's time base; nil where nobody says.
  public var timestamp: Int64?
  /// Samples a second.
  public var sampleRate: Int
  /// For each channel its samples, of -1 to 1, as many as for the others.
  public var channels: [[Float]]

  /// Names all of it.
  public init(timestamp: Int64?, sampleRate: Int, channels: [[Float]]) {
    self.timestamp = timestamp
    self.sampleRate = sampleRate
    self.channels = channels
  }
}
