#pragma once
#include <libxml/xmlreader.h>

// Its type is const from 2.12 on.
static inline int cxml2_last_error_line(void) {
  const xmlError *error = xmlGetLastError();
  return error ? error->line : 0;
}
