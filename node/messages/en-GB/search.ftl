search-heading = What worked?
search-label = What to search for
search-example = reading fluency year 4
search-button = Search
search-order = Order by
search-chosen = What the search is narrowed to
search-remove = Remove
search-narrow = Narrow the results
search-apply = Apply
search-what = Search what the schools of your trust, clusters and networks have tried: what they wanted, what they did and what came of it, the failures included.
search-nothing = Nothing was found. Try fewer or other words, or remove what narrows the results.
search-count = { $count ->
    [one] { $number } record in { $took }
   *[other] { $number } records in { $took }
}
search-pages = Pages of results
search-previous = Previous page
search-next = Next page
verdict-gain = Gain { $gain }
verdict-worse = Pupils did worse
verdict-no-clear-difference = No clear difference
verdict-described = Described, not measured
verdict-no-report = Not reported yet
verdict-did-not-work = { $count ->
    [one] Did not work in 1 school
   *[other] Did not work in { $count } schools
}
verdict-not-here = Did not work here
