import CXML2
import SystemPackage

/// An element of a small XML file with its text and where it began.
final class XMLElement {
  let name: String
  /// From 1.
  let line: Int
  /// The text directly in it, without blanks around it.
  private(set) var text = ""
  private(set) var children: [XMLElement] = []

  private init(name: String, line: Int) {
    self.name = name
    self.line = line
  }

  /// The first child of this name.
  subscript(name: String) -> XMLElement? { children.first { $0.name == name } }

  /// Reads a file of at most 64 MiB. Nothing else is opened, whatever it names; entities are XML's own five and
  /// characters by number.
  ///
  /// libxml2 is asked directly: Foundation's parser, which stands on it, traps at an element whose prefix is declared
  /// nowhere.
  ///
  /// - Throws: `DatasetError` with the line where it is not well-formed.
  static func read(_ file: FilePath) throws(DatasetError) -> XMLElement {
    let bytes = try readFile(file)
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(Fault) in try read(bytes) }
    }
    do { return try result.get() } catch {
      throw .malformed(file: file, place: "line \(max(1, error.line))", problem: error.problem)
    }
  }

  private struct Fault: Error {
    var problem = "is not well-formed XML"
    var line: Int
  }

  private static func read(_ bytes: UnsafeRawBufferPointer) throws(Fault) -> XMLElement {
    let options = Int32(
      XML_PARSE_NONET.rawValue | XML_PARSE_NOERROR.rawValue | XML_PARSE_NOWARNING.rawValue)
    // Bounded: `readFile` takes no more than 64 MiB.
    guard
      let reader = xmlReaderForMemory(
        bytes.bindMemory(to: CChar.self).baseAddress, Int32(bytes.count), nil, nil, options)
    else { throw Fault(line: 1) }
    defer { xmlFreeTextReader(reader) }
    var root: XMLElement?
    var open: [XMLElement] = []
    while true {
      switch xmlTextReaderRead(reader) {
      case 1: break
      case 0:
        guard let root else { throw Fault(line: 1) }
        return root
      default: throw Fault(line: Int(cxml2_last_error_line()))
      }
      let line = Int(xmlGetLineNo(xmlTextReaderCurrentNode(reader)))
      switch xmlReaderTypes(rawValue: UInt32(bitPattern: xmlTextReaderNodeType(reader))) {
      case XML_READER_TYPE_ELEMENT:
        let element = XMLElement(name: text(xmlTextReaderConstName(reader)), line: line)
        open.last?.children.append(element)
        root = root ?? element
        if xmlTextReaderIsEmptyElement(reader) != 1 { open.append(element) }
      case XML_READER_TYPE_END_ELEMENT: open.popLast()?.trim()
      case XML_READER_TYPE_TEXT, XML_READER_TYPE_CDATA, XML_READER_TYPE_SIGNIFICANT_WHITESPACE:
        open.last?.text += text(xmlTextReaderConstValue(reader))
      case XML_READER_TYPE_ENTITY_REFERENCE:
        throw Fault(
          problem:
            "has the entity '\(text(xmlTextReaderConstName(reader)))', which is none of XML's own",
          line: line)
      default: break
      }
    }
  }

  /// Takes the blanks around its text away.
  private func trim() {
    let isBlank: (Unicode.Scalar) -> Bool = { $0.properties.isWhitespace }
    let rest = text.unicodeScalars.drop(while: isBlank)
    guard let last = rest.lastIndex(where: { !isBlank($0) }) else { return text = "" }
    text = String(rest[...last])
  }

  /// A string of libxml2's, which are UTF-8.
  private static func text(_ characters: UnsafePointer<xmlChar>?) -> String {
    characters.map { String(decodingCString: $0, as: UTF8.self) } ?? ""
  }
}
