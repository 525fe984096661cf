home-title = Home
home-known = { $count ->
    [0] Nothing is shared yet.
    [one] { $number } record.
   *[other] { $number } records.
}
home-own = Under way at our school
home-own-none = Nothing is waiting for a report. What our school tries is listed here until it has said what came of it.
home-own-more = { $count ->
    [one] And 1 more.
   *[other] And { $count } more.
}
home-due = A report is due
home-until = until { $day }
home-news = Saved searches with news
home-new = New from other schools
home-new-none = Nothing has come from other schools yet.
home-all-new = All that is new
state-proposed = proposed
state-running = running
state-finished = finished
state-stopped = stopped
home-came = { $count ->
    [0] Nothing came since you last looked, on { $day }. These are the newest.
    [one] 1 record came since you last looked, on { $day }.
   *[other] { $count } records came since you last looked, on { $day }.
}
home-came-much = Much has changed since you last looked, on { $day }. These are the newest.
home-comments = Said to our school
home-question-waits = Waits for an answer
