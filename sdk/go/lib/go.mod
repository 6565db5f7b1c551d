module runwright

go 1.24
