module tests

go 1.24

require runwright v0.0.0

replace runwright => ../lib
