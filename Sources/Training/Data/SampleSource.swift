import BoxGeometry
import Datasets
import Glibc
import Media
import RetinaNetModel
import SystemPackage

/// Makes the inputs of a training: which picture comes when, how it is changed, to which size it is brought. All of it
/// follows from the seed and the sample's number, so any sample can be made at any time by any thread.
public struct SampleSource: Sendable {
  /// A picture as the network reads it.
  public struct Sample: Sendable {
    /// [3, rows and columns of its batch], normalised: the picture at the top left, zeros around it.
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
    /// Rows of every input: those of the highest sample, to a multiple of 32.
    public var height: Int
    /// Columns of every input.
    public var width: Int
  }

  /// A picture before it is resized: with its batch's size it is written where it belongs, once.
  private struct Draft {
    var picture: RGBPicture
    var geometry: InputGeometry
    var objects: [LabelledBox]
    var name: String
  }

  let dataset: TrainingDataset
  let preprocessing: ModelDescription.Preprocessing
  let rules: Conventions.Input
  /// Targets of the shorter side; each batch draws one.
  let sizes: [Int]
  let augmentation: Augmentation
  let seed: UInt64
  let load: LoadedPicture.Loader
  private let preprocessor: Preprocessor

  /// Creates a source.
  ///
  /// - Parameters:
  ///   - dataset: the pictures.
  ///   - preprocessing: the model's; sizes come from `sizes`.
  ///   - rules: the model's.
  ///   - sizes: targets of the shorter side in pixels, at least one; each batch draws one of them.
  ///   - augmentation: how pictures are changed.
  ///   - seed: the run's.
  ///   - load: decodes a picture.
  public init(
    _ dataset: TrainingDataset, preprocessing: ModelDescription.Preprocessing,
    rules: Conventions.Input, sizes: [Int], augmentation: Augmentation, seed: UInt64,
    load: @escaping LoadedPicture.Loader
  ) {
    precondition(!sizes.isEmpty && !dataset.images.isEmpty, "no sizes, or no pictures")
    self.dataset = dataset
    self.preprocessing = preprocessing
    self.rules = rules
    self.sizes = sizes
    self.augmentation = augmentation
    self.seed = seed
    self.load = load
    preprocessor = Preprocessor(rules)
  }

  /// The order in which an epoch goes through the pictures.
  ///
  /// - Parameter epoch: from 0.
  /// - Returns: a permutation of the dataset's indices.
  func order(epoch: Int) -> [Int] {
    var random = RandomStream(seed: seed, name: "order of epoch \(epoch)")
    var order = Array(dataset.images.indices)
    for index in stride(from: order.count - 1, to: 0, by: -1) {
      // Bounded: below 1 times a count.
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
  ///   - remark: told of each picture of which there is something to be said.
  /// - Returns: the samples.
  /// - Throws: `DatasetError.pictureSize`, `.noPictures`.
  func batch(
    _ number: Int, size: Int, remark: (PictureRemark) -> Void
  ) throws(DatasetError) -> Batch {
    var random = RandomStream(seed: seed, name: "size of batch \(number)")
    // Bounded: below 1 times a count.
    let side = sizes[Int(random.uniform() * Double(sizes.count))]
    let onItsSide = random.uniform() < 0.5
    var orders: [Int: [Int]] = [:]
    var drafts: [Draft] = []
    for sample in number * size..<(number + 1) * size {
      let (epoch, place) = sample.quotientAndRemainder(dividingBy: dataset.images.count)
      let order = orders[epoch] ?? order(epoch: epoch)
      orders[epoch] = order
      drafts.append(
        try draft(order, place, epoch: epoch, side: side, onItsSide: onItsSide, remark))
    }
    let height = drafts.map(\.geometry.paddedHeight).max() ?? 0
    let width = drafts.map(\.geometry.paddedWidth).max() ?? 0
    return Batch(
      samples: drafts.map { sample($0, height: height, width: width) }, height: height,
      width: width)
  }

  private func sample(_ draft: Draft, height: Int, width: Int) -> Sample {
    var geometry = draft.geometry
    geometry.paddedHeight = height
    geometry.paddedWidth = width
    let input = [Float](unsafeUninitializedCapacity: 3 * height * width) { input, count in
      var numbers = input.mutableSpan
      draft.picture.withPixels { preprocessor.write($0, geometry, to: &numbers) }
      count = 3 * height * width
    }
    return Sample(
      input: input, height: geometry.resizedHeight, width: geometry.resizedWidth,
      objects: draft.objects, name: draft.name)
  }

  private func draft(
    _ order: [Int], _ place: Int, epoch: Int, side: Int, onItsSide: Bool,
    _ remark: (PictureRemark) -> Void
  ) throws(DatasetError) -> Draft {
    var lastProblem = ""
    for step in order.indices {
      let index = order[(place + step) % order.count]
      let image = dataset.images[index]
      let loaded: LoadedPicture
      do {
        loaded = try load(image.path)
      } catch {
        lastProblem = "\(error)"
        remark(.undecodable(file: image.path, reason: lastProblem))
        continue
      }
      let picture = loaded.picture
      if let size = image.size, size != picture.size {
        throw .pictureSize(
          file: image.path, annotated: size.text, actual: picture.size.text)
      }
      if loaded.isDamaged { remark(.damaged(file: image.path)) }
      let objects = image.size == nil ? inside(picture, image, remark) : image.objects
      // By the place, not the picture: a picture that stands in for another is changed otherwise than itself.
      var random = RandomStream(seed: seed, name: "sample \(place) of epoch \(epoch)")
      return make(picture, image.path, objects, side: side, onItsSide: onItsSide, &random)
    }
    throw .noPictures(last: lastProblem)
  }

  /// The parts of the objects that lie inside their picture, whose size only the picture itself says.
  private func inside(
    _ picture: RGBPicture, _ image: TrainingDataset.Image, _ remark: (PictureRemark) -> Void
  ) -> [LabelledBox] {
    var (cut, skipped) = (0, 0)
    let objects = image.objects.compactMap { object -> LabelledBox? in
      switch ClippedBox(object.box, width: picture.width, height: picture.height) {
      case .whole(let box):
        return LabelledBox(classIndex: object.classIndex, box: box)
      case .cut(let box):
        cut += 1
        return LabelledBox(classIndex: object.classIndex, box: box)
      case .outside:
        skipped += 1
        return nil
      }
    }
    if cut + skipped > 0 { remark(.outside(file: image.path, cut: cut, skipped: skipped)) }
    return objects
  }

  private func make(
    _ picture: RGBPicture, _ path: FilePath, _ marked: [LabelledBox], side: Int,
    onItsSide: Bool, _ random: inout RandomStream
  ) -> Draft {
    let (changed, objects) = augmentation.apply(picture, marked, onItsSide: onItsSide, &random)
    let logarithms = log(augmentation.scale.lowerBound)...log(augmentation.scale.upperBound)
    let factor = exp(random.uniform(logarithms))
    var resizing = preprocessing
    // Bounded: sides of at most 16384 pixels, factors of at most 100.
    resizing.minSize = max(1, Int((Double(side) * factor).rounded()))
    // Bounded: as the shorter side.
    resizing.maxSize = max(1, Int((Double(preprocessing.maxSize) * factor).rounded()))
    let geometry = InputGeometry(
      height: changed.height, width: changed.width, preprocessing: resizing, rules: rules)
    return Draft(
      picture: changed, geometry: geometry,
      objects: objects.compactMap {
        $0.scaled(
          x: Float(geometry.resizedWidth) / Float(geometry.originalWidth),
          y: Float(geometry.resizedHeight) / Float(geometry.originalHeight))
      }, name: path.string)
  }
}

extension RGBPicture {
  var size: TrainingDataset.Size { .init(width: width, height: height) }
}

extension LabelledBox {
  /// In pixels of a picture that many times as large; nil where nothing is left of it.
  fileprivate func scaled(x: Float, y: Float) -> LabelledBox? {
    let box = Box(
      minX: box.minX * x, minY: box.minY * y, maxX: box.maxX * x, maxY: box.maxY * y)
    return box.width > 0 && box.height > 0 ? LabelledBox(classIndex: classIndex, box: box) : nil
  }
}

extension SampleSource.Batch {
  /// As the network takes it.
  func padded() -> DetectorGradients.Batch {
    let samples = samples
    return DetectorGradients.Batch(height: height, width: width, objects: samples.map(\.objects)) {
      index, input in
      input.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: samples[index].input) }
    }
  }
}
