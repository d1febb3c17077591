# cmake -DSOURCE=... -DFILES=LIST_FILE -DOUTPUT=default_text.c -P default_text.cmake
# Writes the library's own documents, one after another, as a C array: the text to train on
# where none is given.  Plain C, so that every compiler takes it and the installed library
# needs no file.
file(STRINGS ${FILES} documents)
set(bytes "")
foreach(document IN LISTS documents)
  file(READ ${SOURCE}/${document} hex HEX)
  string(APPEND bytes ${hex} 0a)
endforeach()
string(LENGTH "${bytes}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
# A line for every 32 bytes: some tools choke on a line of a megabyte.
string(REPEAT "....." 32 line)
string(REGEX REPLACE "(${line})" "\\1\n" bytes "${bytes}")
file(WRITE ${OUTPUT} "/* Made by cmake/default_text.cmake from the documents of the library. */
#include <stdint.h>
extern const unsigned char nrm_default_text[];
extern const int64_t nrm_default_text_size;
const int64_t nrm_default_text_size = ${size};
const unsigned char nrm_default_text[] = {
${bytes}};
")
