# Several drafts that are looked at and shared at once.

several-choose = Choose drafts to share together
several-choose-hint = To share several at once, tick them and press “Check those ticked”. Nothing is shared before you have seen what leaves the school.
several-check = Check those ticked
several-check-all = Check all that are ready
several-heading = Check drafts before sharing them together
several-none = You ticked no draft. Go back and tick those that you want to share, or check all that are ready.
several-none-ready = None of these drafts can be shared yet.
several-lead = { $count ->
    [one] 1 draft can be shared.
   *[other] { $count } drafts can be shared.
}
several-lead-ask = { $count ->
    [one] 1 draft can wait for a colleague’s approval.
   *[other] { $count } drafts can wait for a colleague’s approval.
}
several-lead-not = { $count ->
    [one] 1 cannot be shared yet.
   *[other] { $count } cannot be shared yet.
}
several-left = { $count ->
    [one] 1 more draft is not on this page. Share these first, then come back.
   *[other] { $count } more drafts are not on this page. Share these first, then come back.
}
several-who-hint = All schools of the groups that are named will see them, from the moment you share them. You can withdraw each later.
several-kind = Kind
several-scan = Scan for pupil data
several-scan-nothing = Nothing was found.
several-all-of-it = Everything that leaves the school
several-share = { $count ->
    [one] Share 1 draft
   *[other] Share { $count } drafts
}
several-ask = { $count ->
    [one] Ask for approval of 1 draft
   *[other] Ask for approval of { $count } drafts
}
several-nobody = Some of these nobody may approve yet who did not write them: ask an administrator to give a colleague the role approver.
several-back = Back to all drafts
several-not-ready = These cannot be shared yet
several-not-ready-hint = They stay drafts. Open each to see what it needs.
several-incomplete = It is not complete.
several-found = The scan for pupil data found something. Change it, or say why it may be shared.
several-unchecked = It has files that could not be looked through. They wait for the author’s word that they hold no pupil data.
several-waits = It waits for a colleague’s approval.
several-same = Exactly this is shared already.
several-gone-title = A draft that is not here
several-gone = It is a draft no longer: somebody shared it or threw it away.
several-changed = It was changed after the page was shown to you. Look at it again.
several-refused = It cannot be shared any longer as it is. Look at what is in the way.
several-asks = A colleague has to approve it first. Ask for approval.
several-asks-nobody = Our school shares without a colleague’s approval. Share it yourself.
several-failed = Something went wrong, and it stays a draft.
several-shared-heading = { $count ->
    [0] No draft was shared
    [one] 1 draft was shared
   *[other] { $count } drafts were shared
}
several-asked-heading = { $count ->
    [0] Approval was not asked for
    [one] Approval of 1 draft was asked for
   *[other] Approval of { $count } drafts was asked for
}
several-not-shared = { $count ->
    [one] 1 draft was not shared
   *[other] { $count } drafts were not shared
}
several-not-asked = { $count ->
    [one] 1 draft does not wait for approval
   *[other] { $count } drafts do not wait for approval
}
several-shared = Shared
several-waiting = Wait for a colleague’s approval
