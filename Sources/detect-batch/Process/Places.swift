import DetectionPipeline
import Files
import Foundation
import RetinaNetModel
import SystemPackage

/// Where models and pipelines are found by name: below `DETECT_BATCH_HOME`, in the user's data folder (where `fetch` puts
/// them unless the former is set), below `../share/detect-batch` beside the executable, and in the checkout that the
/// executable was built in.
struct Places {
  /// What is looked for.
  enum Kind: String {
    case model
    case pipeline
    /// A model or anything else.
    case file

    fileprivate var extensions: [String] {
      switch self {
      case .model, .file: ["safetensors", "pth"]
      case .pipeline: ["yaml"]
      }
    }

    fileprivate var missing: ExitStatus {
      switch self {
      case .model: .unusableInput
      case .pipeline: .usage
      case .file: .noInput
      }
    }
  }

  private struct Place {
    let models: FilePath
    let pipelines: FilePath
  }

  /// The model that is used where none is named.
  private static let defaultModel = "codes"

  private let places: [Place]
  /// Where models go that are fetched: below `DETECT_BATCH_HOME`, else in the user's data folder; nil without either.
  let fetched: FilePath?

  /// The places of this process.
  init() {
    let environment = ProcessInfo.processInfo.environment
    self.init(
      // One that is empty, as of a variable that is not set, is none.
      home: environment["DETECT_BATCH_HOME"].flatMap { $0.isEmpty ? nil : FilePath($0) },
      userData: Self.userData(environment), executable: Self.executable())
  }

  init(home: FilePath?, userData: FilePath? = nil, executable: FilePath?) {
    var roots = [home, userData].compactMap { $0 }
    fetched = roots.first?.appending("models")
    if let executable {
      roots.append(
        executable.removingLastComponent().removingLastComponent().appending("share/detect-batch"))
    }
    places =
      roots.map { Place(models: $0.appending("models"), pipelines: $0.appending("pipelines")) }
      + (executable.flatMap(Self.checkout).map { root in
        [Place(models: root.appending("samples/models"), pipelines: root.appending("pipelines"))]
      } ?? [])
  }

  /// Finds a file by path or by name.
  ///
  /// - Parameters:
  ///   - kind: what it is.
  ///   - argument: what was typed (see `ArgumentBytes`); a word without a slash may be a name.
  /// - Returns: its path.
  /// - Throws: `Fault` that says where was looked and what is there.
  func find(_ kind: Kind, _ argument: String) throws(Fault) -> FilePath {
    let path = ArgumentBytes.path(argument)
    if Self.isFile(path) { return path }
    if let found = named(kind, argument) { return found }
    if Self.isFolder(path) {
      throw Fault(
        kind.missing,
        "\(ArgumentBytes.display(argument)) is a directory: name a \(kind.rawValue) in it")
    }
    throw missing(kind, argument)
  }

  /// Finds the model that was named, else the default: whatever the working directory holds of that name is not meant.
  ///
  /// - Throws: as `find`.
  func model(_ argument: String?) throws(Fault) -> FilePath {
    if let argument { return try find(.model, argument) }
    guard let found = named(.model, Self.defaultModel) else {
      throw missing(.model, Self.defaultModel)
    }
    return found
  }

  private func folders(_ kind: Kind) -> [FilePath] {
    places.map { kind == .pipeline ? $0.pipelines : $0.models }
  }

  /// Finds a file by its name alone.
  private func named(_ kind: Kind, _ argument: String) -> FilePath? {
    if argument.contains("/") { return nil }
    for folder in folders(kind) {
      for name in [argument] + kind.extensions.map({ "\(argument).\($0)" }) {
        let candidate = folder.appending(ArgumentBytes.path(name).components)
        if Self.isFile(candidate) { return candidate }
      }
    }
    return nil
  }

  private func missing(_ kind: Kind, _ argument: String) -> Fault {
    let folders = folders(kind)
    let names = folders.flatMap { Self.names(in: $0, extensions: kind.extensions) }
    return Fault(
      kind.missing,
      "there is no \(kind.rawValue) '\(ArgumentBytes.display(argument))': neither a file of that "
        + "path nor one of that name in \(folders.map(\.string).joined(separator: ", "))"
        + (names.isEmpty ? "" : " (there: \(Set(names).sorted().joined(separator: ", ")))")
        + (kind != .pipeline && PublishedModel.named(argument) != nil
          ? "; `detect-batch fetch \(argument)` gets it" : ""))
  }

  /// All models that are found by name, the first of each name.
  ///
  /// - Returns: paths by name.
  func models() -> [String: FilePath] {
    var found: [String: FilePath] = [:]
    for folder in places.map(\.models) {
      for name in Set(Self.names(in: folder, extensions: Kind.model.extensions)) {
        guard found[name] == nil, let path = named(.model, name) else { continue }
        found[name] = path
      }
    }
    return found
  }

  /// `detect-batch` in the user's data folder, as the XDG Base Directory Specification has it: paths in
  /// `XDG_DATA_HOME` that are not absolute are as if it were not set.
  static func userData(_ environment: [String: String]) -> FilePath? {
    if let data = environment["XDG_DATA_HOME"].map({ FilePath($0) }), data.isAbsolute {
      return data.appending("detect-batch")
    }
    guard let home = environment["HOME"].map({ FilePath($0) }), home.isAbsolute else { return nil }
    return home.appending(".local/share/detect-batch")
  }

  /// The file that this process runs.
  static func executable() -> FilePath? {
    do {
      return FilePath(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
    } catch {
      // Without /proc there are only the places that the user names.
      return nil
    }
  }

  private static func checkout(of executable: FilePath) -> FilePath? {
    var folder = executable.removingLastComponent()
    while folder.lastComponent != nil {
      if isFile(folder.appending("Package.swift")) && isFolder(folder.appending("samples/models")) {
        return folder
      }
      folder.removeLastComponent()
    }
    return nil
  }

  private static func names(in folder: FilePath, extensions: [String]) -> [String] {
    // A place that is not there holds nothing.
    let entries = (try? DirectoryListing(folder).entries) ?? []
    return entries.map { FilePath(bytes: $0.name) }
      .filter { extensions.contains($0.extension ?? "") }.compactMap(\.stem)
  }

  /// Whether there is something that may be read.
  static func isFile(_ path: FilePath) -> Bool {
    // A pipe will do, as in <(command).
    exists(path) && !path.isDirectory
  }

  /// Whether there is anything of this name.
  static func exists(_ path: FilePath) -> Bool { (try? Stat(path)) != nil }

  /// Whether there is a directory of this name.
  static func isFolder(_ path: FilePath) -> Bool { path.isDirectory }
}
