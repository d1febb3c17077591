/* replay.c -- run a fuzz target over every file of a folder: the corpus as a test. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path, size_t size)
{
    uint8_t *data = malloc(size > 0 ? size : 1); /* exactly as large: a sanitizer sees every step outside */
    FILE *file = fopen(path, "rb");
    const int ok = data && file && fread(data, 1, size, file) == size;

    if (ok) LLVMFuzzerTestOneInput(data, size);
    else fprintf(stderr, "replay: %s cannot be read\n", path);
    if (file) fclose(file);
    free(data);
    return ok;
}

int main(int argc, char **argv)
{
    int count = 0, ok = 1;
    struct dirent *entry;
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;

    if (!folder) {
        fprintf(stderr, "replay: give the folder of a corpus%s%s\n", argc == 2 ? "; there is none at " : "",
                argc == 2 ? argv[1] : "");
        return 1;
    }
    while ((entry = readdir(folder))) {
        char path[4096];
        struct stat info;
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) continue;
        ok &= replay(path, (size_t)info.st_size);
        count++;
    }
    closedir(folder);
    if (count == 0) fprintf(stderr, "replay: %s holds no files\n", argv[1]);
    else printf("%d inputs replayed\n", count);
    return ok && count > 0 ? 0 : 1;
}
