"""Tables as people have them: columns of numbers, words, truth values and dates, with holes."""
