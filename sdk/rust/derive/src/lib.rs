//! The derive `Shape`: the JSON Schema of a type, from its fields, their types, comments and serde attributes.
//!
//! Internal: use `runwright_sdk::Shape`, whose documentation says what is understood.

mod case;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, ExprLit, Field, Fields, Lit, LitStr, Meta, Result, Variant,
    meta::ParseNestedMeta, parse_macro_input, spanned::Spanned as _,
};

use case::Case;

/// Derives `runwright_sdk::Shape`.
#[proc_macro_derive(Shape, attributes(shape, serde))]
pub fn shape(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    implementation(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn implementation(input: &DeriveInput) -> Result<TokenStream> {
    let says = Says::of(&input.attrs)?;
    let schema = match &input.data {
        Data::Struct(data) => object(&data.fields, &says)?,
        Data::Enum(data) => words(data.variants.iter(), &says)?,
        Data::Union(_) => return Err(Error::new(input.span(), "a union has no shape in JSON")),
    };
    let described = says.described(schema);
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        impl #generics ::runwright_sdk::Shape for #name #arguments #bounds {
            fn schema() -> ::runwright_sdk::schema::Schema { #described }
        }
    })
}

fn object(fields: &Fields, container: &Says) -> Result<TokenStream> {
    let Fields::Named(fields) = fields else {
        return Err(Error::new(
            fields.span(),
            "inputs and outputs have named fields: they are objects in JSON",
        ));
    };
    let mut schema = quote! { ::runwright_sdk::schema::object() };
    for field in &fields.named {
        let says = Says::of(&field.attrs)?;
        if !says.skipped {
            let property = property(field, &says, container);
            schema.extend(property);
        }
    }
    Ok(schema)
}

fn property(field: &Field, says: &Says, container: &Says) -> TokenStream {
    let own = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
    let own = own.strip_prefix("r#").unwrap_or(&own);
    let name = says.name.clone().unwrap_or_else(|| container.case.of_field(own));
    let kind = &field.ty;
    let shape = says.described(quote! { <#kind as ::runwright_sdk::Shape>::schema() });
    let defaulted = says.defaulted || container.defaulted;
    quote! { .property(#name, #shape, <#kind as ::runwright_sdk::Shape>::OPTIONAL || #defaulted) }
}

fn words<'a>(variants: impl Iterator<Item = &'a Variant>, container: &Says) -> Result<TokenStream> {
    let mut words = Vec::new();
    for variant in variants {
        if !matches!(variant.fields, Fields::Unit) {
            let why = "only enums of plain words have a shape; write an `impl Shape` with `schema::any_of` for others";
            return Err(Error::new(variant.span(), why));
        }
        let says = Says::of(&variant.attrs)?;
        if !says.skipped {
            let own = variant.ident.to_string();
            words.push(says.name.unwrap_or_else(|| container.case.of_variant(&own)));
        }
    }
    Ok(quote! { ::runwright_sdk::schema::string("").one_of([#(#words),*]) })
}

/// What the attributes of a type, a field or a variant say.
#[derive(Default)]
struct Says {
    description: String,
    case: Case,
    name: Option<String>,
    defaulted: bool,
    skipped: bool,
    /// Calls of methods of `Schema`.
    more: TokenStream,
}

impl Says {
    fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut says = Self::default();
        let mut lines = Vec::new();
        for attribute in attributes {
            if attribute.path().is_ident("doc") {
                lines.extend(comment(attribute));
            } else if attribute.path().is_ident("serde") {
                attribute.parse_nested_meta(|meta| says.serde(&meta))?;
            } else if attribute.path().is_ident("shape") {
                attribute.parse_nested_meta(|meta| says.shape(&meta))?;
            }
        }
        says.description = lines.join(" ").trim().to_owned();
        Ok(says)
    }

    fn serde(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        if meta.path.is_ident("rename_all") {
            self.case = Case::named(&meta.value()?.parse::<LitStr>()?)?;
        } else if meta.path.is_ident("rename") {
            self.name = Some(meta.value()?.parse::<LitStr>()?.value());
        } else if meta.path.is_ident("default") {
            self.defaulted = true;
            pass_over(meta)?;
        } else if meta.path.is_ident("skip") {
            self.skipped = true;
        } else if meta.path.is_ident("flatten") {
            return Err(meta.error("a flattened field has no shape of its own: write the fields, or an `impl Shape`"));
        } else {
            pass_over(meta)?;
        }
        Ok(())
    }

    fn shape(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let known = ["at_least", "at_most", "pattern", "default"];
        let Some(method) = meta
            .path
            .get_ident()
            .filter(|name| known.iter().any(|known| name == known))
        else {
            return Err(meta.error("one of `at_least`, `at_most`, `pattern`, `default`"));
        };
        let value = meta.value()?.parse::<Lit>()?;
        self.more.extend(quote! { .#method(#value) });
        Ok(())
    }

    fn described(&self, schema: TokenStream) -> TokenStream {
        let (description, more) = (&self.description, &self.more);
        if description.is_empty() {
            quote! { #schema #more }
        } else {
            quote! { #schema.describe(#description) #more }
        }
    }
}

/// A line of a `///` comment.
fn comment(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(pair) => match &pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text), ..
            }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        Meta::Path(_) | Meta::List(_) => None,
    }
}

/// Takes what an attribute of somebody else says.
fn pass_over(meta: &ParseNestedMeta<'_>) -> Result<()> {
    if meta.input.peek(syn::Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        meta.parse_nested_meta(|inner| pass_over(&inner))?;
    }
    Ok(())
}
