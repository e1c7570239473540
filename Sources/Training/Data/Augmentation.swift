import BoxGeometry
import Media

/// Random changes of a picture and its boxes, so that few pictures teach as much as more would. Every draw comes from
/// the stream that is given: the same stream, the same picture.
public struct Augmentation: Equatable, Sendable {
  /// Probability of mirroring left to right.
  public var flip: Double
  /// Whether pictures are turned by 0 to 3 quarter turns, each as likely: for pictures without an up. A batch is
  /// turned onto its side as a whole: upright pictures beside lying ones would be mostly padding.
  public var quarterTurns: Bool
  /// Probability of taking a part of the picture instead of all of it.
  public var crop: Double
  /// Least part of each side that a crop takes.
  public var smallestCrop: Double
  /// Brightness is multiplied by 1 - this ... 1 + this.
  public var brightness: Double
  /// Contrast likewise.
  public var contrast: Double
  /// Saturation likewise.
  public var saturation: Double
  /// The resized picture's sides are multiplied by a factor between these, evenly in its logarithm.
  public var scale: ClosedRange<Double>

  /// Creates augmentation; the defaults are the paper's: mirroring alone.
  public init(
    flip: Double = 0.5, quarterTurns: Bool = false, crop: Double = 0, smallestCrop: Double = 0.5,
    brightness: Double = 0, contrast: Double = 0, saturation: Double = 0,
    scale: ClosedRange<Double> = 1...1
  ) {
    self.flip = flip
    self.quarterTurns = quarterTurns
    self.crop = crop
    self.smallestCrop = smallestCrop
    self.brightness = brightness
    self.contrast = contrast
    self.saturation = saturation
    self.scale = scale
  }

  /// Nothing is changed.
  public static let none = Augmentation(flip: 0)

  /// Least part of an object that a crop must show for it to stay an object.
  static let leastVisible: Float = 0.4

  /// Changes a picture.
  ///
  /// - Parameters:
  ///   - picture: as it was decoded.
  ///   - objects: boxes inside it.
  ///   - onItsSide: whether a quarter turn more, if there are any, turns the picture onto its side.
  ///   - random: where the draws come from; as many are made whatever is chosen.
  /// - Returns: the new picture with its objects.
  func apply(
    _ picture: RGBPicture, _ objects: [LabelledBox], onItsSide: Bool,
    _ random: inout RandomStream
  ) -> (RGBPicture, [LabelledBox]) {
    var picture = picture
    var objects = objects
    let turns = (onItsSide ? 1 : 0) + 2 * Int(random.next() >> 63)
    if quarterTurns && turns > 0 {
      objects = objects.map { $0.turned(turns, width: picture.width, height: picture.height) }
      picture = picture.turned(turns)
    }
    if random.uniform() < flip {
      let width = Float(picture.width)
      objects = objects.map { object in
        let box = object.box
        return LabelledBox(
          classIndex: object.classIndex,
          box: Box(
            minX: width - box.maxX, minY: box.minY, maxX: width - box.minX, maxY: box.maxY))
      }
      picture = picture.flipped()
    }
    var cropping = RandomStream(seed: random.next(), name: "crop")
    if cropping.uniform() < crop,
      let (part, inside) = cropped(picture, objects, &cropping)
    {
      (picture, objects) = (part, inside)
    }
    let factors = [brightness, contrast, saturation].map {
      Float(random.uniform(1 - $0...1 + $0))
    }
    if factors != [1, 1, 1] {
      picture = picture.recoloured(
        brightness: factors[0], contrast: factors[1], saturation: factors[2])
    }
    return (picture, objects)
  }

  /// A part that shows an object, if there is any to show; nil if ten tries find none.
  private func cropped(
    _ picture: RGBPicture, _ objects: [LabelledBox], _ random: inout RandomStream
  ) -> (RGBPicture, [LabelledBox])? {
    for _ in 0..<10 {
      func side(_ length: Int) -> Int {
        // Bounded: at most the length.
        min(length, max(1, Int(Double(length) * random.uniform(smallestCrop...1))))
      }
      let (width, height) = (side(picture.width), side(picture.height))
      // Bounded: below 1 times a side.
      let x = Int(random.uniform() * Double(picture.width - width + 1))
      // Bounded: below 1 times a side.
      let y = Int(random.uniform() * Double(picture.height - height + 1))
      let window = Box(
        minX: Float(x), minY: Float(y), maxX: Float(x + width), maxY: Float(y + height))
      let inside = objects.compactMap { $0.seen(through: window) }
      if inside.isEmpty && !objects.isEmpty { continue }
      return (picture.cropped(x: x, y: y, width: width, height: height), inside)
    }
    return nil
  }
}

extension LabelledBox {
  /// After clockwise quarter turns of a picture that was `width` x `height`.
  func turned(_ quarters: Int, width: Int, height: Int) -> LabelledBox {
    let (width, height) = (Float(width), Float(height))
    let turned =
      switch quarters & 3 {
      case 1:
        Box(minX: height - box.maxY, minY: box.minX, maxX: height - box.minY, maxY: box.maxX)
      case 2:
        Box(
          minX: width - box.maxX, minY: height - box.maxY, maxX: width - box.minX,
          maxY: height - box.minY)
      case 3:
        Box(minX: box.minY, minY: width - box.maxX, maxX: box.maxY, maxY: width - box.minX)
      default: box
      }
    return LabelledBox(classIndex: classIndex, box: turned)
  }

  /// What of it lies in a window, in the window's frame; nil where that is too little of it.
  fileprivate func seen(through window: Box) -> LabelledBox? {
    let part = Box(
      minX: max(box.minX, window.minX), minY: max(box.minY, window.minY),
      maxX: min(box.maxX, window.maxX), maxY: min(box.maxY, window.maxY))
    guard part.width > 0, part.height > 0, part.area >= Augmentation.leastVisible * box.area else {
      return nil
    }
    return LabelledBox(
      classIndex: classIndex,
      box: Box(
        minX: part.minX - window.minX, minY: part.minY - window.minY,
        maxX: part.maxX - window.minX, maxY: part.maxY - window.minY))
  }
}
