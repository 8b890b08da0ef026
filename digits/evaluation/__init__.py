"""Does it work? Scores labelled digits through a service's URL and judges the answers; knows no Pulumi and no Azure."""
