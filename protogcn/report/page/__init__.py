"""Tables, figures and score files -> the results page, one html file that needs no network.

Reading order: report (the command), tables, pictures, runs, render; page.html, page.css, page.js.
"""
