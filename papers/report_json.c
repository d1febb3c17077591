/* report_json.c -- the report as one tree. */
#define _POSIX_C_SOURCE 200809L
#include "report.h"
#include <string.h>
#include <time.h>

static json_t *now_text(void)
{
    char words[32];
    const time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(words, sizeof words, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return json_string(words);
}

static json_t *citation_json(nrm_citation c)
{
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:i, s:s, s:s}", "number", c.number, "slug", c.slug, "title", c.title,
                     "authors", c.authors, "venue", c.venue, "year", c.year, "identifier", c.identifier, "summary",
                     c.summary);
}

/* The 33 papers, each with "implemented": true or false. */
static json_t *all_papers(void)
{
    json_t *list = json_array();
    for (int number = 1; number <= NRM_PAPER_COUNT; number++) {
        bool implemented = false;
        for (int i = 0; i < nrm_paper_count(); i++) implemented = implemented || nrm_paper_at(i)->number == number;
        json_t *entry = citation_json(*nrm_citation_at(number));
        json_object_set_new(entry, "implemented", json_boolean(implemented));
        json_array_append_new(list, entry);
    }
    return list;
}

json_t *nrm_report_create(const nrm_arguments *arguments, const nrm_machine *machine, int threads,
                          const char *command)
{
    return json_pack("{s:s, s:s, s:o, s:b, s:I, s:i, s:o, s:[], s:o}", "version", nrm_version(), "command",
                     command, "date", now_text(), "quick", arguments->quick, "seed", (json_int_t)arguments->seed,
                     "threads", threads, "machine", nrm_machine_json(machine, threads), "papers", "all_papers",
                     all_papers());
}

void nrm_report_close(json_t *report, double seconds, bool stopped)
{
    int count[NRM_VERDICT_COUNT] = {0};
    size_t p, c;
    json_t *paper, *claim;
    json_array_foreach(json_object_get(report, "papers"), p, paper) {
        json_array_foreach(json_object_get(paper, "claims"), c, claim) {
            for (int v = 0; v < NRM_VERDICT_COUNT; v++)
                count[v] += strcmp(nrm_json_text(claim, "verdict"), nrm_verdict_word((nrm_verdict)v)) == 0;
        }
    }
    json_t *summary = json_object();
    for (int v = 0; v < NRM_VERDICT_COUNT; v++)
        json_object_set_new(summary, nrm_verdict_word((nrm_verdict)v), json_integer(count[v]));
    json_object_set_new(report, "summary", summary);
    json_object_set_new(report, "seconds", json_real(seconds));
    json_object_set_new(report, "stopped", json_boolean(stopped));
}

json_t *nrm_report_paper(const nrm_record *record, const char *command, uint64_t seed)
{
    json_t *paper = citation_json(nrm_citation_of(record->paper));
    json_object_set_new(paper, "about", json_string(record->paper->about ? record->paper->about : ""));
    json_object_set_new(paper, "command", json_string(command));
    json_object_set_new(paper, "seed", json_integer((json_int_t)seed));
    return paper;
}
