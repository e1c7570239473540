import BoxGeometry
import Glibc
import RetinaNetModel

/// Makes the inputs of a training: which picture comes when, how it is changed, to which size it is brought. All of it
/// follows from the seed and the sample's number, so any sample can be made at any time by any thread.
public struct SampleSource: Sendable {
  /// A picture as the network reads it, without padding.
  public struct Sample: Sendable {
    /// [3, height, width], normalised.
    public var input: [Float]
    /// Rows.
    public var height: Int
    /// Columns.
    public var width: Int
    /// In pixels of the input.
    public var objects: [LabelledBox]
    /// The picture's path, for errors.
    public var name: String
  }

  /// A batch of samples.
  public struct Batch: Sendable {
    /// In order.
    public var samples: [Sample]

    /// Rows of the padded input: those of the highest sample, to a multiple of 32.
    public var height: Int { ((samples.map(\.height).max() ?? 0) + 31) / 32 * 32 }
    /// Columns of the padded input.
    public var width: Int { ((samples.map(\.width).max() ?? 0) + 31) / 32 * 32 }
  }

  let dataset: TrainingDataset
  let preprocessing: ModelDescription.Preprocessing
  /// Targets of the shorter side; each batch draws one.
  let sizes: [Int]
  let augmentation: Augmentation
  let seed: UInt64
  let load: TrainingPicture.Loader
  private let preprocessor: Preprocessor

  /// Creates a source.
  ///
  /// - Parameters:
  ///   - dataset: the pictures.
  ///   - preprocessing: the model's; sizes come from `sizes`.
  ///   - sizes: targets of the shorter side in pixels, at least one; each batch draws one of them.
  ///   - augmentation: how pictures are changed.
  ///   - seed: the run's.
  ///   - load: decodes a picture.
  public init(
    _ dataset: TrainingDataset, preprocessing: ModelDescription.Preprocessing, sizes: [Int],
    augmentation: Augmentation, seed: UInt64, load: @escaping TrainingPicture.Loader
  ) {
    precondition(!sizes.isEmpty && !dataset.images.isEmpty, "no sizes, or no pictures")
    self.dataset = dataset
    self.preprocessing = preprocessing
    self.sizes = sizes
    self.augmentation = augmentation
    self.seed = seed
    self.load = load
    preprocessor = Preprocessor(preprocessing)
  }

  /// The order in which an epoch goes through the pictures.
  ///
  /// - Parameter epoch: from 0.
  /// - Returns: a permutation of the dataset's indices.
  func order(epoch: Int) -> [Int] {
    var random = RandomStream(seed: seed, name: "order of epoch \(epoch)")
    var order = Array(dataset.images.indices)
    for index in stride(from: order.count - 1, to: 0, by: -1) {
      order.swapAt(index, Int(random.uniform() * Double(index + 1)))
    }
    return order
  }

  /// Makes a batch. Samples are numbered through all epochs: an epoch's last batch may reach into the next.
  ///
  /// A picture that cannot be decoded is replaced by the next of its epoch that can.
  ///
  /// - Parameters:
  ///   - number: the batch's, from 0.
  ///   - size: samples of a batch.
  ///   - onBroken: told of each picture that cannot be decoded.
  /// - Returns: the samples.
  /// - Throws: `DatasetError.pictureSize`, `.noPictures`.
  func batch(
    _ number: Int, size: Int, onBroken: (DatasetError) -> Void
  ) throws(DatasetError) -> Batch {
    var random = RandomStream(seed: seed, name: "size of batch \(number)")
    let side = sizes[Int(random.uniform() * Double(sizes.count))]
    let onItsSide = random.uniform() < 0.5
    var orders: [Int: [Int]] = [:]
    var samples: [Sample] = []
    for sample in number * size..<(number + 1) * size {
      let (epoch, place) = sample.quotientAndRemainder(dividingBy: dataset.images.count)
      let order = orders[epoch] ?? order(epoch: epoch)
      orders[epoch] = order
      samples.append(
        try self.sample(order, place, epoch: epoch, side: side, onItsSide: onItsSide, onBroken))
    }
    return Batch(samples: samples)
  }

  private func sample(
    _ order: [Int], _ place: Int, epoch: Int, side: Int, onItsSide: Bool,
    _ onBroken: (DatasetError) -> Void
  ) throws(DatasetError) -> Sample {
    var lastProblem = ""
    for step in order.indices {
      let index = order[(place + step) % order.count]
      let image = dataset.images[index]
      let picture: TrainingPicture
      do {
        picture = try load(image.path)
      } catch {
        lastProblem = "\(error)"
        onBroken(.picture(file: image.path, reason: lastProblem))
        continue
      }
      if let size = image.size, size.width != picture.width || size.height != picture.height {
        throw .pictureSize(
          file: image.path, annotated: "\(size.width)x\(size.height)",
          actual: "\(picture.width)x\(picture.height)")
      }
      // By the place, not the picture: a picture that stands in for another is changed otherwise than itself.
      var random = RandomStream(seed: seed, name: "sample \(place) of epoch \(epoch)")
      return make(picture, image, side: side, onItsSide: onItsSide, &random)
    }
    throw .noPictures(last: lastProblem)
  }

  private func make(
    _ picture: TrainingPicture, _ image: TrainingDataset.Image, side: Int, onItsSide: Bool,
    _ random: inout RandomStream
  ) -> Sample {
    let (changed, objects) = augmentation.apply(
      picture, image.objects, onItsSide: onItsSide, &random)
    let logarithms = log(augmentation.scale.lowerBound)...log(augmentation.scale.upperBound)
    let factor = exp(random.uniform(logarithms))
    var resizing = preprocessing
    resizing.minSize = max(1, Int((Double(side) * factor).rounded()))
    resizing.maxSize = max(1, Int((Double(preprocessing.maxSize) * factor).rounded()))
    let geometry = InputGeometry(
      height: changed.height, width: changed.width, preprocessing: resizing)
    return Sample(
      input: preprocessor.unpadded(changed.pixels, geometry), height: geometry.resizedHeight,
      width: geometry.resizedWidth,
      objects: objects.compactMap {
        $0.scaled(
          x: Float(geometry.resizedWidth) / Float(geometry.originalWidth),
          y: Float(geometry.resizedHeight) / Float(geometry.originalHeight))
      }, name: image.path.string)
  }
}

extension LabelledBox {
  /// In pixels of a picture that many times as large; nil where nothing is left of it.
  fileprivate func scaled(x: Float, y: Float) -> LabelledBox? {
    let box = Box(
      minX: box.minX * x, minY: box.minY * y, maxX: box.maxX * x, maxY: box.maxY * y)
    return box.width > 0 && box.height > 0 ? LabelledBox(classIndex: classIndex, box: box) : nil
  }
}

extension Preprocessor {
  /// The network's input without its padding: [3, resizedHeight, resizedWidth].
  func unpadded(_ pixels: [UInt8], _ geometry: InputGeometry) -> [Float] {
    let (height, width) = (geometry.resizedHeight, geometry.resizedWidth)
    let (rows, columns) = (geometry.paddedHeight, geometry.paddedWidth)
    let padded = [Float](unsafeUninitializedCapacity: 3 * rows * columns) { input, count in
      var span = input.mutableSpan
      write(pixels.span, geometry, to: &span)
      count = 3 * rows * columns
    }
    if height == rows && width == columns { return padded }
    var result: [Float] = []
    result.reserveCapacity(3 * height * width)
    for channel in 0..<3 {
      for row in 0..<height {
        let start = (channel * rows + row) * columns
        result += padded[start..<start + width]
      }
    }
    return result
  }
}

extension SampleSource.Batch {
  /// As the network takes it: samples at the top left, zeros around them.
  func padded() -> DetectorGradients.Batch {
    let (samples, height, width) = (samples, height, width)
    return DetectorGradients.Batch(height: height, width: width, objects: samples.map(\.objects)) {
      index, input in
      let sample = samples[index]
      input.update(repeating: 0)
      input.withUnsafeMutableBufferPointer { input in
        for channel in 0..<3 {
          for row in 0..<sample.height {
            let start = (channel * height + row) * width
            let from = (channel * sample.height + row) * sample.width
            _ = UnsafeMutableBufferPointer(rebasing: input[start..<start + sample.width])
              .update(fromContentsOf: sample.input[from..<from + sample.width])
          }
        }
      }
    }
  }
}
