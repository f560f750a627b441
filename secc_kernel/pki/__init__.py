"""Test PKIs for Plug & Charge and TLS: made, laid out in a folder, found again, and looked at.

`profiles` says which certificates there are, in ISO 15118-2 and in ISO 15118-20, and what each has to look like;
`making` makes them (and what is wrong on purpose), `folder` lays them out and finds them again, `josev` lays them out
as another implementation wants them, `inspect` tells what a certificate is and what is wrong with it, and `showing`
says so in text.

Its modules import the cryptography library, which takes a while: whoever needs them imports them when they are used.
"""
