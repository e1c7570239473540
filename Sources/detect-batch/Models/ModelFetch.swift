import DetectionPipeline
import Downloads
import Foundation
import RetinaNetModel
import SystemPackage

/// Fetching of one published model: download, check, import.
///
/// What is received lies in `.fetch/NAME` below the folder of the models until the model is there, so that what was
/// interrupted goes on where it was.
struct ModelFetch {
  let model: PublishedModel
  let source: ModelSource
  /// Where models are found by name.
  let folder: FilePath
  /// Says whether to go on.
  let goesOn: () -> Bool

  /// Where the model will be.
  var target: FilePath { folder.appending("\(model.name).safetensors") }

  private var workspace: FilePath { folder.appending(".fetch").appending(model.name) }

  /// Fetches the model.
  ///
  /// - Throws: `DownloadError`, `Fault`; what opening and writing a model throws.
  func run() throws {
    let paths = try model.files.map { try obtain($0) }
    // Every model has a checkpoint.
    guard let checkpoint = paths.first else { preconditionFailure("\(model.name) has no files") }
    let imported = try DetectionModel(contentsOf: checkpoint)
    guard model.agrees(with: imported.description) else {
      throw Fault(
        .unusableInput,
        "\(checkpoint): not the model that was published as \(model.name): \(imported.description.summary)"
      )
    }
    try create(folder)
    try imported.write(to: target)
    // What was received is of no more use; where it stays, it costs space alone.
    try? FileManager.default.removeItem(atPath: workspace.string)
  }

  /// The path at which a file is whole and right.
  private func obtain(_ file: PublishedModel.File) throws -> FilePath {
    guard let address = source.address(of: file) else {
      guard case .folder(let folder) = source else { preconditionFailure("a file without a place") }
      let path = folder.appending(FilePath(file.name).components)
      guard Places.isFile(path) else {
        throw Fault(.noInput, "\(path): is not there, and \(model.name) is made of it")
      }
      try check(path, .init(file), whenWrong: "damaged, or not the file that was published")
      return path
    }
    try create(workspace)
    // Beside each other, under the names that their publisher gave them.
    let path = workspace.appending(FilePath(file.name).components.suffix(1))
    let known = PublishedFileCheck(file)
    if known.hasDigest, try PublishedFileCheck.size(path) > 0, try known.difference(path) == nil {
      return path
    }
    let wasBegun = try PublishedFileCheck.size(path) > 0
    do {
      try download(file, address, path)
    } catch let error as WrongFile {
      // What an earlier call left may be of another file.
      guard wasBegun else { throw error.asRunError }
      do {
        try download(file, address, path)
      } catch let error as WrongFile {
        throw error.asRunError
      }
    }
    return path
  }

  private func download(
    _ file: PublishedModel.File, _ address: String, _ path: FilePath
  ) throws {
    let shown = Download.shown(address)
    Log.logger.info("fetching \(shown)")
    let expected = file.byteCount ?? model.approximateByteCount
    // Twice what it should have, for what is only known about.
    let download = Download(address: address, limit: file.byteCount ?? 2 * expected)
    let console = Console.standardError
    defer { if console.isTerminal { console.show(nil) } }
    let promise = try download.receive(into: path) { received in
      if console.isTerminal {
        console.show(
          "\(model.name): \(Self.mebibytes(received)) of about \(Self.mebibytes(expected)) MiB")
      }
      return goesOn()
    }
    let check = PublishedFileCheck(file, promise)
    if !check.hasDigest, file.name.hasSuffix(".safetensors") {
      Log.logger.notice("\(shown): no digest is published that it could be compared with")
    }
    guard let difference = try check.difference(path) else { return }
    try? FileManager.default.removeItem(atPath: path.string)
    throw WrongFile(address: shown, difference: difference)
  }

  private func check(
    _ path: FilePath, _ check: PublishedFileCheck, whenWrong meaning: String
  ) throws {
    if let difference = try check.difference(path) {
      throw Fault(.unusableInput, "\(path): \(difference): \(meaning)")
    }
  }

  private func create(_ folder: FilePath) throws(Fault) {
    do {
      try FileManager.default.createDirectory(
        atPath: folder.string, withIntermediateDirectories: true)
    } catch {
      throw Fault(
        .cannotCreateOutput, "\(folder): cannot be created: \(error.localizedDescription)")
    }
  }

  private static func mebibytes(_ bytes: Int) -> String {
    RunText.decimal(Double(bytes) / 1_048_576)
  }
}

/// A file that is not what was published, and was thrown away.
private struct WrongFile: Error {
  let address: String
  let difference: String

  var asRunError: Fault {
    Fault(
      .unusableInput,
      "\(address): \(difference): damaged, or not the file that was published; it was thrown away")
  }
}
