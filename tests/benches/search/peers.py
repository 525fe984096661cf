"""SQLite's FTS5 and Xapian, fed from standard input: a line of queries as JSON, then a document a line.

Prints, for each engine, the milliseconds and the ten best documents of each query.
"""

import json
import sys
import time

STOP_WORDS = {"for", "the"}


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
    return {"missing": None, "times": times, "found": found}


def sqlite(documents, queries):
    import sqlite3

    database = sqlite3.connect(":memory:")
    database.execute("create virtual table docs using fts5(text, tokenize='porter', content='')")
    database.executemany("insert into docs(rowid, text) values (?, ?)", enumerate(documents, 1))
    database.commit()
    sql = "select rowid - 1 from docs where docs match ? order by rank limit 10"

    def ask(query):
        match = " OR ".join(f'"{word}"' for word in words(query))
        return [row[0] for row in database.execute(sql, (match,))]

    return timed(queries, ask)


def xapian(documents, queries, folder):
    import xapian

    stem = xapian.Stem("en")
    database = xapian.WritableDatabase(folder + "/xapian", xapian.DB_CREATE_OR_OVERWRITE)
    generator = xapian.TermGenerator()
    generator.set_stemmer(stem)
    generator.set_stemming_strategy(xapian.TermGenerator.STEM_ALL)
    for number, text in enumerate(documents):
        document = xapian.Document()
        generator.set_document(document)
        generator.index_text(text)
        document.set_data(str(number))
        database.add_document(document)
    database.commit()
    enquire = xapian.Enquire(database)

    def ask(query):
        terms = [stem(word) for word in words(query)]
        terms = [term.decode() if isinstance(term, bytes) else term for term in terms]
        enquire.set_query(xapian.Query(xapian.Query.OP_OR, terms))
        return [int(match.document.get_data()) for match in enquire.get_mset(0, 10)]

    return timed(queries, ask)


def main():
    queries = json.loads(sys.stdin.readline())
    documents = [line.rstrip("\n") for line in sys.stdin]
    report = []
    for name, run in [
        ("SQLite FTS5", lambda: sqlite(documents, queries)),
        ("Xapian", lambda: xapian(documents, queries, sys.argv[1])),
    ]:
        try:
            report.append({"name": name, **run()})
        except Exception as error:
            report.append({"name": name, "missing": str(error), "times": [], "found": []})
    print(json.dumps(report))


main()
