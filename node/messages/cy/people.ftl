sign-in-heading = Mewngofnodi
sign-in-user-name = Enw defnyddiwr
sign-in-password = Cyfrinair
sign-in-button = Mewngofnodi
