/* zip.h -- the marks of the records of a zip archive.  Private. */
#ifndef NRM_ZIP_H
#define NRM_ZIP_H

#include <stdint.h>

#define NRM_ZIP_LOCAL UINT32_C(0x04034b50)   /* before an entry's content */
#define NRM_ZIP_ENTRY UINT32_C(0x02014b50)   /* in the central directory */
#define NRM_ZIP_END UINT32_C(0x06054b50)     /* of the central directory */
#define NRM_ZIP_END64 UINT32_C(0x06064b50)
#define NRM_ZIP_LOCATOR UINT32_C(0x07064b50) /* of the zip64 end record */

#endif
