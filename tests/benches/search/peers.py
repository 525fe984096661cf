"""SQLite's FTS5 and Xapian, fed from standard input: a line of queries as JSON, then a document a line,
as an array of its text and its values, each [dimension, place within it, value].

Prints, for each engine, the milliseconds and the ten best documents of each query: once alone, and once
with how many documents match and how many of these have each value of each dimension.
"""

import json
import sys
import time

STOP_WORDS = {"for", "the"}

# More values than this a document has in no dimension.
PLACES = 8

# Queries that are asked with all counts, for which an engine takes up to half a second.
PAGES = 100


def words(query):
    return list(dict.fromkeys(word for word in query.split() if word not in STOP_WORDS))


def timed(queries, ask):
    for query in queries[:20]:
        ask(query)
    times, found = [], []
    for query in queries:
        started = time.perf_counter()
        found.append(ask(query))
        times.append((time.perf_counter() - started) * 1000)
    return {"times": times, "found": found}


def sqlite(documents, queries):
    import sqlite3

    database = sqlite3.connect(":memory:")
    database.execute("create virtual table docs using fts5(text, tokenize='porter', content='')")
    database.execute(
        "create table has (doc integer, dimension integer, value text,"
        " primary key (doc, dimension, value)) without rowid"
    )
    for number, (text, values) in enumerate(documents, 1):
        database.execute("insert into docs(rowid, text) values (?, ?)", (number, text))
        rows = [(number, dimension, value) for dimension, _, value in values]
        database.executemany("insert into has values (?, ?, ?)", rows)
    database.commit()
    best = "select rowid - 1 from docs where docs match ? order by rank limit 10"
    total = "select count(*) from docs where docs match ?"
    counts = (
        "with found as materialized (select rowid as doc from docs where docs match ?)"
        " select dimension, value, count(*) from found join has using (doc) group by 1, 2"
    )

    def match(query):
        return " OR ".join(f'"{word}"' for word in words(query))

    def ten_best(query):
        return [row[0] for row in database.execute(best, (match(query),))]

    def page(query):
        found = ten_best(query)
        matching = database.execute(total, (match(query),)).fetchone()[0]
        assert database.execute(counts, (match(query),)).fetchall() or matching == 0
        return found

    return {"best": timed(queries, ten_best), "page": timed(queries[:PAGES], page)}


def xapian(documents, queries, folder):
    import xapian

    stem = xapian.Stem("en")
    database = xapian.WritableDatabase(folder + "/xapian", xapian.DB_CREATE_OR_OVERWRITE)
    generator = xapian.TermGenerator()
    generator.set_stemmer(stem)
    generator.set_stemming_strategy(xapian.TermGenerator.STEM_ALL)
    slots = set()
    for number, (text, values) in enumerate(documents):
        document = xapian.Document()
        generator.set_document(document)
        generator.index_text(text)
        document.set_data(str(number))
        for dimension, place, value in values:
            slots.add(dimension * PLACES + place)
            document.add_value(dimension * PLACES + place, value)
        database.add_document(document)
    database.commit()
    size = database.get_doccount()

    def query_of(text):
        terms = [stem(word) for word in words(text)]
        terms = [term.decode() if isinstance(term, bytes) else term for term in terms]
        return xapian.Query(xapian.Query.OP_OR, terms)

    def numbers(found):
        return [int(match.document.get_data()) for match in found]

    enquire = xapian.Enquire(database)

    def ten_best(text):
        enquire.set_query(query_of(text))
        return numbers(enquire.get_mset(0, 10))

    def page(text):
        counting = xapian.Enquire(database)
        counting.set_query(query_of(text))
        spies = [xapian.ValueCountMatchSpy(slot) for slot in slots]
        for spy in spies:
            counting.add_matchspy(spy)
        found = counting.get_mset(0, 10, size)
        assert spies[0].get_total() == found.get_matches_estimated()
        return numbers(found)

    return {"best": timed(queries, ten_best), "page": timed(queries[:PAGES], page)}


def main():
    queries = json.loads(sys.stdin.readline())
    documents = [json.loads(line) for line in sys.stdin]
    report = []
    for name, run in [
        ("SQLite FTS5", lambda: sqlite(documents, queries)),
        ("Xapian", lambda: xapian(documents, queries, sys.argv[1])),
    ]:
        try:
            report.append({"name": name, **run()})
        except Exception as error:
            report.append({"name": name, "missing": str(error)})
    print(json.dumps(report))


main()
