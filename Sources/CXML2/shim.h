#pragma once
#include <libxml/xmlversion.h>
// Its headers would bring ICU's, of another version than Foundation's; nothing of that is used here.
#undef LIBXML_ICU_ENABLED
#include <libxml/xmlreader.h>

// Its type is const from 2.12 on.
static inline int cxml2_last_error_line(void) {
  const xmlError *error = xmlGetLastError();
  return error ? error->line : 0;
}
