import Files
import Foundation
import SystemPackage

/// A file of JSON that is read whole.
package struct JSONFile {
  /// Larger than the largest sets of annotations that are published.
  private static let limit = 16 << 30

  /// Where it is.
  package let path: FilePath
  /// All of it.
  package let data: Data

  /// Reads a file.
  package init(_ path: FilePath) throws(DatasetError) {
    self.path = path
    do {
      data = Data(try WholeFile.read(path, limit: Self.limit))
    } catch .noSuchFileOrDirectory {
      throw .missing(file: path)
    } catch {
      throw .unreadable(file: path, reason: "\(error)")
    }
  }

  /// Decodes the file, or the part of it that `place` names.
  package func decode<Value: Decodable>(
    _ type: Value.Type, from part: Data? = nil, place: String? = nil
  ) throws(DatasetError) -> Value {
    let part = part ?? data
    do {
      return try JSONDecoder().decode(type, from: part)
    } catch let fault as EntryFault {
      let places = [place, fault.place].compactMap(\.self)
      throw .malformed(
        file: path, place: places.isEmpty ? nil : places.joined(separator: ": "),
        problem: fault.problem)
    } catch {
      throw .malformed(file: path, place: place, problem: Self.syntaxProblem(of: part, error))
    }
  }

  /// JSONDecoder does not say where a text stops being JSON; JSONSerialization does.
  private static func syntaxProblem(of part: Data, _ error: any Error) -> String {
    do {
      _ = try JSONSerialization.jsonObject(with: part, options: .fragmentsAllowed)
    } catch {
      let detail = (error as NSError).userInfo[NSDebugDescriptionErrorKey]
      return "is not valid JSON: \(detail ?? error)"
    }
    return "cannot be understood: \(error)"
  }
}

/// Something wrong in one entry of a file.
package struct EntryFault: Error {
  /// The entry.
  package var place: String?
  /// What is wrong with it.
  package var problem: String

  /// Creates a fault from its parts.
  package init(place: String?, problem: String) {
    self.place = place
    self.problem = problem
  }
}

/// The fields of one JSON object; a fault names the object and the field.
package struct EntryFields<Key: CodingKey> {
  /// For example `annotations[17] (id 123)`; nil for a file's outermost object.
  package let place: String?
  private let container: KeyedDecodingContainer<Key>

  /// Opens the fields of an entry of the list `list`; without a list, those of the file's outermost object.
  /// `idKey` is the field that numbers the entries, `otherwise` what is said where there is no object.
  package init(
    _ decoder: any Decoder, list: String? = nil, idKey: Key? = nil,
    otherwise: String = "must be an object"
  ) throws {
    var place = list.map { "\($0)[\(decoder.codingPath.last?.intValue ?? 0)]" }
    do {
      container = try decoder.container(keyedBy: Key.self)
    } catch is DecodingError {
      throw EntryFault(place: place, problem: otherwise)
    }
    // Entries whose id is unreadable are named by their index alone.
    if let idKey, let id = try? container.decode(Int.self, forKey: idKey) {
      place? += " (id \(id))"
    }
    self.place = place
  }

  /// A fault of this entry.
  package func fault(_ problem: String) -> EntryFault { EntryFault(place: place, problem: problem) }

  /// A field's value; a fault where it is missing or of another kind than `kind` says.
  package func required<Value: Decodable>(_ key: Key, _ type: Value.Type, kind: String) throws
    -> Value
  {
    guard container.contains(key) else { throw fault("has no \"\(key.stringValue)\"") }
    return try naming(key, kind) { try container.decode(type, forKey: key) }
  }

  /// A field's value, or nil where it is missing or null.
  package func optional<Value: Decodable>(_ key: Key, _ type: Value.Type, kind: String) throws
    -> Value?
  {
    try naming(key, kind) { try container.decodeIfPresent(type, forKey: key) }
  }

  private func naming<Value>(_ key: Key, _ kind: String, _ decode: () throws -> Value) throws
    -> Value
  {
    do {
      return try decode()
    } catch let fault as EntryFault {
      throw fault
    } catch {
      // Not always a DecodingError: 1.5 for a whole number throws a private type of Foundation's.
      throw fault("\"\(key.stringValue)\" must be \(kind)")
    }
  }

  /// A whole number, as ids are.
  package func wholeNumber(_ key: Key) throws -> Int {
    try required(key, Int.self, kind: "a whole number")
  }

  /// A box [x, y, width, height].
  package func box(_ key: Key) throws -> COCOBox {
    let kind = "four numbers [x, y, width, height]"
    let values = try required(key, [Double].self, kind: kind)
    guard values.count == 4 else {
      throw fault("\"\(key.stringValue)\" has \(values.count) numbers, not \(kind)")
    }
    return COCOBox(x: values[0], y: values[1], width: values[2], height: values[3])
  }
}
