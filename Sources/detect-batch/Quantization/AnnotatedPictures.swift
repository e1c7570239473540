import Datasets
import SystemPackage

/// Annotations whose pictures lie below a directory that is calibrated on: to measure on, not to calibrate on.
struct AnnotatedPictures {
  let annotations: COCOAnnotations
  /// Where the pictures' names begin.
  let folder: FilePath
  /// What a person should know about the annotations.
  let remarks: [String]
  private let paths: Set<FilePath>

  /// Reads annotations and finds their pictures.
  ///
  /// - Parameters:
  ///   - argument: what was typed (see `ArgumentBytes`).
  ///   - split: as for `AnnotationFiles`.
  ///   - folders: where pictures may lie.
  /// - Throws: why the annotations cannot be read; `Fault` where their first picture lies nowhere.
  init(_ argument: String, split: String?, folders: [FilePath]) throws {
    (annotations, remarks) = try AnnotationFiles.read(argument, split: split)
    let first = annotations.images.first?.fileName ?? ""
    guard let folder = folders.first(where: { Places.isFile($0.appending(first)) }) else {
      throw Fault(
        .noInput,
        "\(first), which --annotations names, lies in none of \(folders.map(\.string).joined(separator: ", "))"
      )
    }
    self.folder = folder
    paths = Set(
      annotations.images.map { folder.appending($0.fileName).lexicallyNormalized() })
  }

  /// Whether a file is one of the annotated pictures.
  func hold(_ path: FilePath) -> Bool { paths.contains(path.lexicallyNormalized()) }
}
