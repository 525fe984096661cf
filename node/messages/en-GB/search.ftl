search-count = { $count ->
    [one] { $number } record in { $took }
   *[other] { $number } records in { $took }
}
