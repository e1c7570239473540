import DetectionPipeline
import Downloads
import Foundation
import Glibc
import RetinaNetModel
import SystemPackage

/// Where published files are had from.
enum ModelSource {
  /// Their publishers.
  case publishers
  /// A copy under an address, by the files' names.
  case mirror(String)
  /// A copy in a folder, by the files' names.
  case folder(FilePath)

  /// Reads a place.
  ///
  /// - Parameter argument: what was typed after `--from`; nil for the publishers.
  /// - Throws: `Fault` where it is neither.
  init(_ argument: String?) throws(Fault) {
    guard let argument else {
      self = .publishers
      return
    }
    if argument.hasPrefix("http://") || argument.hasPrefix("https://") {
      self = .mirror(argument.hasSuffix("/") ? String(argument.dropLast()) : argument)
      return
    }
    let path = ArgumentBytes.path(argument)
    guard Places.isFolder(path) else {
      throw Fault(
        .noInput, "\(ArgumentBytes.display(argument)) is neither a directory nor an http address")
    }
    self = .folder(path)
  }

  /// The address of a file; nil where it lies in a folder.
  func address(of file: PublishedModel.File) -> String? {
    switch self {
    case .publishers: file.address
    case .mirror(let base): "\(base)/\(file.name)"
    case .folder: nil
    }
  }
}
