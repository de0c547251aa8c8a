"""The record as bytes, in each of the forms a reader may ask for. Pure: the server only pours."""
