import BoxGeometry
import Datasets
import Evaluation
import Media
import RetinaNetModel
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Training

@Suite struct SampleTests {
  /// A picture in which every pixel of a box is of the box's own colour, the rest dark noise.
  private func picture(
    width: Int, height: Int, boxes: [(Int, Int, Int, Int)]
  ) -> RGBPicture {
    var pixels = (0..<width * height * 3).map { UInt8($0 * 7 % 40) }
    for (index, box) in boxes.enumerated() {
      for y in box.1..<box.3 {
        for x in box.0..<box.2 {
          for channel in 0..<3 {
            pixels[(y * width + x) * 3 + channel] = channel == index ? 250 : 60
          }
        }
      }
    }
    return RGBPicture(width: width, height: height, pixels: pixels)
  }

  /// The box around the pixels of one colour.
  private func bounds(_ picture: RGBPicture, channel: Int) -> Box? {
    var corners: (Int, Int, Int, Int)?
    for y in 0..<picture.height {
      for x in 0..<picture.width
      where picture.pixels[(y * picture.width + x) * 3 + channel] > 200 {
        let old = corners ?? (x, y, x + 1, y + 1)
        corners = (min(old.0, x), min(old.1, y), max(old.2, x + 1), max(old.3, y + 1))
      }
    }
    return corners.map {
      Box(minX: Float($0.0), minY: Float($0.1), maxX: Float($0.2), maxY: Float($0.3))
    }
  }

  /// Whatever is done to pixels and boxes, they stay together.
  @Test func boxesFollowTheirPixels() {
    let boxes = [(3, 5, 17, 12), (20, 2, 29, 22), (8, 15, 12, 20)]
    let original = picture(width: 31, height: 24, boxes: boxes)
    let objects = boxes.enumerated().map { index, box in
      LabelledBox(
        classIndex: index,
        box: Box(minX: Float(box.0), minY: Float(box.1), maxX: Float(box.2), maxY: Float(box.3)))
    }
    let augmentation = Augmentation(flip: 0.5, quarterTurns: true, crop: 0.7, smallestCrop: 0.4)
    var (shapes, cropped, left): (Set<Int>, Int, Int) = ([], 0, 0)
    for seed in 0..<300 {
      var random = RandomStream(seed: UInt64(seed), name: "test")
      let (changed, remaining) = augmentation.apply(
        original, objects, onItsSide: seed.isMultiple(of: 2), &random)
      #expect(!remaining.isEmpty)
      shapes.insert(changed.width > changed.height ? 1 : 0)
      if changed.width * changed.height < 31 * 24 { cropped += 1 }
      left += remaining.count
      for object in remaining {
        #expect(bounds(changed, channel: object.classIndex) == object.box, "seed \(seed)")
      }
      for index in 0..<3 where !remaining.contains(where: { $0.classIndex == index }) {
        // What is no object any more is seen by less than leastVisible.
        let seen = bounds(changed, channel: index)?.area ?? 0
        #expect(seen < Augmentation.leastVisible * objects[index].box.area)
      }
    }
    #expect(shapes.count == 2 && (150...280).contains(cropped) && left < 900)
    var random = RandomStream(seed: 1, name: "test")
    #expect(
      Augmentation.none.apply(original, objects, onItsSide: true, &random) == (original, objects))
  }

  @Test func turnsAreClockwise() {
    let picture = RGBPicture(
      width: 3, height: 2, pixels: (0..<6).flatMap { [UInt8($0), 0, 0] })
    func red(_ picture: RGBPicture) -> [UInt8] {
      stride(from: 0, to: picture.pixels.count, by: 3).map { picture.pixels[$0] }
    }
    #expect(red(picture.turned(1)) == [3, 0, 4, 1, 5, 2])
    #expect(picture.turned(1).width == 2)
    #expect(red(picture.turned(2)) == [5, 4, 3, 2, 1, 0])
    #expect(picture.turned(3).turned(1) == picture)
    #expect(red(picture.flipped()) == [2, 1, 0, 5, 4, 3])
    #expect(red(picture.cropped(x: 1, y: 0, width: 2, height: 2)) == [1, 2, 4, 5])
  }

  @Test func coloursChangeAsTold() {
    let picture = RGBPicture(width: 2, height: 1, pixels: [100, 100, 100, 200, 100, 50])
    #expect(picture.recoloured(brightness: 1, contrast: 1, saturation: 1) == picture)
    #expect(
      picture.recoloured(brightness: 1.5, contrast: 1, saturation: 1).pixels
        == [150, 150, 150, 255, 150, 75])
    // Greys: 100 and 124.2; their mean 112.1.
    #expect(
      picture.recoloured(brightness: 1, contrast: 0.5, saturation: 1).pixels
        == [106, 106, 106, 156, 106, 81])
    #expect(
      picture.recoloured(brightness: 1, contrast: 1, saturation: 0).pixels
        == [100, 100, 100, 124, 124, 124])
  }

  private struct Unreadable: Error, CustomStringConvertible { let description = "cut off" }

  private func source(
    _ count: Int = 5, seed: UInt64 = 3, sizes: [Int] = [64], broken: Set<Int> = [],
    augmentation: Augmentation = Augmentation(flip: 0.5, crop: 0.5, brightness: 0.2)
  ) throws -> (SampleSource, TemporaryFolder) {
    let folder = try TemporaryFolder()
    for index in 0..<count { try folder.write("", to: "\(index).png") }
    let annotations = COCOAnnotations(
      images: (0..<count).map { .init(id: $0 + 1, fileName: "\($0).png", width: 40, height: 30) },
      categories: [.init(id: 1, name: "thing")],
      objects: (0..<count).map {
        .init(
          id: $0 + 1, imageID: $0 + 1, categoryID: 1,
          box: COCOBox(x: Double(2 + $0), y: 4, width: 20, height: 16))
      })
    let dataset = try TrainingDataset(annotations, folder: folder.path, place: "x.json")
    let source = SampleSource(
      dataset, preprocessing: .init(minSize: 64, maxSize: 100), rules: .init(), sizes: sizes,
      augmentation: augmentation, seed: seed
    ) { path in
      let index = Int(path.stem ?? "") ?? 0
      if broken.contains(index) { throw Unreadable() }
      return LoadedPicture(
        RGBPicture(
          width: 40, height: 30, pixels: (0..<3600).map { UInt8(($0 * (index + 3)) % 251) }))
    }
    return (source, folder)
  }

  @Test func anEpochShowsEveryPictureOnce() throws {
    let (source, folder) = try source(7)
    let names = try (0..<7).flatMap { try source.batch($0, size: 3) { _ in }.samples.map(\.name) }
    // 21 samples: three epochs of seven, in another order each.
    let epochs = [names[0..<7], names[7..<14], names[14..<21]]
    for epoch in epochs { #expect(Set(epoch).count == 7) }
    #expect(epochs[0] != epochs[1] && epochs[1] != epochs[2])
    withExtendedLifetime(folder) {}
  }

  @Test func batchesFollowFromTheSeedAlone() throws {
    let (source, folder) = try source(seed: 3, sizes: [48, 64, 80])
    let (other, otherFolder) = try self.source(seed: 4, sizes: [48, 64, 80])
    let batches = try (0..<12).map { try source.batch($0, size: 4) { _ in } }
    let queue = BatchQueue(source, numbers: 3..<12, batchSize: 4, threads: 3) { _ in }
    for number in 3..<12 {
      let batch = try #require(try queue.next())
      #expect(batch.samples.map(\.input) == batches[number].samples.map(\.input))
      #expect(batch.samples.map(\.objects) == batches[number].samples.map(\.objects))
    }
    #expect(try queue.next() == nil)
    let differing = try other.batch(0, size: 4) { _ in }
    #expect(differing.samples.map(\.input) != batches[0].samples.map(\.input))
    #expect(Set(batches.map(\.height)).count > 1)
    withExtendedLifetime((folder, otherFolder)) {}
  }

  /// Upright pictures beside lying ones would be mostly padding.
  @Test func aBatchIsTurnedOntoItsSideAsAWhole() throws {
    let (source, folder) = try source(augmentation: Augmentation(flip: 0, quarterTurns: true))
    let shapes = try (0..<20).map { number in
      Set(try source.batch(number, size: 4) { _ in }.samples.map { $0.width > $0.height })
    }
    #expect(shapes.allSatisfy { $0.count == 1 } && Set(shapes).count == 2)
    withExtendedLifetime(folder) {}
  }

  @Test func samplesArePaddedWithZeros() throws {
    let (source, folder) = try source(augmentation: .none)
    let batch = try source.batch(0, size: 2) { _ in }
    // 40x30 to a shorter side of 64: 85x64, so that three columns are copied and eleven are padding.
    #expect(batch.samples[0].width == 85 && batch.samples[0].height == 64)
    #expect(batch.width == 96 && batch.height == 64)
    let padded = batch.padded()
    #expect(padded.objects == batch.samples.map(\.objects))
    let first = try #require(batch.samples[0].objects.first)
    let index = try #require(Int(FilePath(batch.samples[0].name).stem ?? ""))
    #expect(first.box.minX == Float(2 + index) * (Float(85) / 40))
    #expect(first.box.maxY == 20 * (Float(64) / 30))
    var input = [Float](repeating: .nan, count: 3 * 64 * 96)
    var span = input.mutableSpan
    padded.writeInput(1, &span)
    #expect(input == batch.samples[1].input)
    for channel in 0..<3 {
      for row in 0..<64 {
        let start = (channel * 64 + row) * 96
        #expect(input[start..<start + 85].allSatisfy { $0 != 0 })
        #expect(input[start + 85..<start + 96].allSatisfy { $0 == 0 })
      }
    }
    withExtendedLifetime(folder) {}
  }

  @Test func brokenPicturesAreReplacedAndReported() throws {
    let (source, folder) = try source(5, broken: [1, 3])
    let reported = Mutex<[PictureRemark]>([])
    var names: [String] = []
    for number in 0..<5 {
      names += try source.batch(number, size: 2) { remark in
        reported.withLock { $0.append(remark) }
      }.samples.map(\.name)
    }
    #expect(!names.contains { $0.hasSuffix("/1.png") || $0.hasSuffix("/3.png") })
    #expect(names.count == 10)
    let remarks = Set(reported.withLock { $0 }.map(\.description))
    #expect(
      remarks == [
        "\(folder.path)/1.png: cannot be decoded: cut off: left out",
        "\(folder.path)/3.png: cannot be decoded: cut off: left out",
      ])
    let (hopeless, otherFolder) = try self.source(2, broken: [0, 1])
    #expect(throws: DatasetError.noPictures(last: "cut off")) {
      _ = try hopeless.batch(0, size: 1) { _ in }
    }
    let queue = BatchQueue(hopeless, numbers: 0..<4, batchSize: 1, threads: 2) { _ in }
    #expect(throws: DatasetError.noPictures(last: "cut off")) { _ = try queue.next() }
    withExtendedLifetime((folder, otherFolder)) {}
  }

  /// Where annotations do not say a picture's size, boxes are cut at its edges once it is decoded.
  @Test func boxesAreCutAtEdgesThatOnlyThePictureKnows() throws {
    let folder = try TemporaryFolder()
    for name in ["a.png", "b.png"] { try folder.write("", to: name) }
    let boxes = [(1, -5.0), (1, 30), (1, 41), (2, 10), (2, 20.5)]
    let annotations = COCOAnnotations(
      images: [
        .init(id: 1, fileName: "a.png"), .init(id: 2, fileName: "b.png", width: 0, height: 0),
      ],
      categories: [.init(id: 1, name: "thing")],
      objects: boxes.enumerated().map { index, box in
        .init(
          id: index + 1, imageID: box.0, categoryID: 1,
          box: COCOBox(x: box.1, y: 4, width: 20, height: 16))
      })
    let dataset = try TrainingDataset(annotations, folder: folder.path, place: "x.json")
    let source = SampleSource(
      dataset, preprocessing: .init(minSize: 30, maxSize: 40), rules: .init(), sizes: [30],
      augmentation: .none, seed: 1
    ) { path in
      LoadedPicture(
        RGBPicture(width: 40, height: 30, pixels: [UInt8](repeating: 0, count: 3600)),
        isDamaged: path.stem == "b")
    }
    let reported = Mutex<[PictureRemark]>([])
    let batch = try source.batch(0, size: 2) { remark in reported.withLock { $0.append(remark) } }
    let edges = Dictionary(
      uniqueKeysWithValues: batch.samples.map { sample in
        (FilePath(sample.name).stem ?? "", sample.objects.map { [$0.box.minX, $0.box.maxX] })
      })
    // Half a pixel is somebody's rounding.
    #expect(edges == ["a": [[0, 15], [30, 40]], "b": [[10, 30], [20.5, 40]]])
    #expect(
      Set(reported.withLock { $0 }.map(\.description)) == [
        "\(folder.path)/a.png: 2 boxes reach outside the picture: cut; 1 boxes lie outside the picture: skipped",
        "\(folder.path)/b.png: is damaged or cut short: what could be decoded of it is used",
      ])
  }

  @Test func aPictureOfAnotherSizeIsAnError() throws {
    let (good, folder) = try source(1)
    let source = SampleSource(
      good.dataset, preprocessing: .init(), rules: .init(), sizes: [64], augmentation: .none,
      seed: 1
    ) { _ in
      LoadedPicture(RGBPicture(width: 30, height: 40, pixels: [UInt8](repeating: 0, count: 3600)))
    }
    let error = #expect(throws: DatasetError.self) { _ = try source.batch(0, size: 1) { _ in } }
    #expect(
      error?.description
        == "\(folder.path)/0.png: is 30x40 pixels, but its annotations are for 40x30: "
        + "were they made before the picture was turned or scaled?")
  }
}
